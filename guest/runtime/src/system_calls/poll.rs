//! Waiting for descriptors and clocks.

use std::mem::MaybeUninit;

use wasip1::{
    CLOCKID_MONOTONIC, ERRNO_DEADLK, ERRNO_SUCCESS, EVENTRWFLAGS_FD_READWRITE_HANGUP,
    EVENTTYPE_CLOCK, EVENTTYPE_FD_READ, EVENTTYPE_FD_WRITE, Errno, Event, EventFdReadwrite,
    Eventtype, Size, Subscription, SubscriptionClock, SubscriptionFdReadwrite, SubscriptionU,
    SubscriptionUU,
};

use crate::descriptors::{Place, Readiness, place};

unsafe extern "C" {
    fn __real___wasi_poll_oneoff(
        subscriptions: *const Subscription,
        events: *mut Event,
        count: Size,
        result: *mut Size,
    ) -> Errno;
}

/// What becomes of a subscription.
enum Concern {
    Event(Event),
    /// An object of ours that is not ready.
    Pending,
    Host(Subscription),
}

/// Objects of ours do not change while nobody works: if one is ready the host is only asked what
/// else is, and if none is, only the host's can become so. If it has none to wait for, neither
/// for a descriptor nor for a clock, this would last for ever: that is `EDEADLK`.
///
/// # Safety
/// There are `count` subscriptions and as many places for events, and `result` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___wasi_poll_oneoff(
    subscriptions: *const Subscription,
    events: *mut Event,
    count: Size,
    result: *mut Size,
) -> Errno {
    // SAFETY: as this function's.
    let asked = (0..count).map(|index| unsafe { subscriptions.add(index).read() });
    if asked.clone().all(|one| one.u.tag == EVENTTYPE_CLOCK.raw()) {
        // SAFETY: the arguments are the caller's.
        return unsafe { __real___wasi_poll_oneoff(subscriptions, events, count, result) };
    }
    let mut stored = 0;
    let mut store = |event| {
        // SAFETY: there is no more than one event for a subscription.
        unsafe { events.add(stored).write(event) };
        stored += 1;
    };
    let mut host = Vec::with_capacity(count + 1);
    let mut ready = false;
    for one in asked {
        match concern(one) {
            Concern::Event(event) => {
                store(event);
                ready = true;
            }
            Concern::Pending => {}
            Concern::Host(subscription) => host.push(subscription),
        }
    }
    if host.is_empty() && !ready {
        return ERRNO_DEADLK;
    }
    if !host.is_empty() {
        if ready {
            host.push(AT_ONCE);
        }
        match poll_host(&host) {
            Ok(found) => {
                let wanted = found
                    .into_iter()
                    .filter(|event| !ready || !is_at_once(event));
                wanted.for_each(store);
            }
            Err(errno) => return errno,
        }
    }
    // SAFETY: as this function's.
    unsafe { result.write(stored) };
    ERRNO_SUCCESS
}

fn concern(subscription: Subscription) -> Concern {
    let Subscription { userdata, u } = subscription;
    let (kind, fd) = match u.tag {
        // SAFETY: the tag says which it is.
        tag if tag == EVENTTYPE_FD_READ.raw() => (EVENTTYPE_FD_READ, unsafe { u.u.fd_read }),
        // SAFETY: the same.
        tag if tag == EVENTTYPE_FD_WRITE.raw() => (EVENTTYPE_FD_WRITE, unsafe { u.u.fd_write }),
        _ => return Concern::Host(subscription),
    };
    let readiness = match place(fd.file_descriptor) {
        Ok(Place::Host(file_descriptor)) => {
            let fd_read = SubscriptionFdReadwrite { file_descriptor };
            let u = SubscriptionU {
                tag: u.tag,
                u: SubscriptionUU { fd_read },
            };
            return Concern::Host(Subscription { userdata, u });
        }
        Ok(Place::Here(object)) if kind == EVENTTYPE_FD_READ => object.readable(),
        Ok(Place::Here(object)) => object.writable(),
        Err(errno) => Readiness::Failed(errno),
    };
    match readiness {
        Readiness::Ready { bytes, hangup } => {
            Concern::Event(event(userdata, kind, ERRNO_SUCCESS, bytes, hangup))
        }
        Readiness::Failed(errno) => Concern::Event(event(userdata, kind, errno, 0, false)),
        Readiness::Pending => Concern::Pending,
    }
}

fn event(userdata: u64, type_: Eventtype, error: Errno, nbytes: u64, hangup: bool) -> Event {
    let flags = if hangup {
        EVENTRWFLAGS_FD_READWRITE_HANGUP
    } else {
        0
    };
    Event {
        userdata,
        error,
        type_,
        fd_readwrite: EventFdReadwrite { nbytes, flags },
    }
}

/// Lets the host look and not wait.
const AT_ONCE: Subscription = Subscription {
    userdata: u64::MAX,
    u: SubscriptionU {
        tag: EVENTTYPE_CLOCK.raw(),
        u: SubscriptionUU {
            clock: SubscriptionClock {
                id: CLOCKID_MONOTONIC,
                timeout: 0,
                precision: 0,
                flags: 0,
            },
        },
    },
};

fn is_at_once(event: &Event) -> bool {
    event.type_ == EVENTTYPE_CLOCK && event.userdata == AT_ONCE.userdata
}

fn poll_host(subscriptions: &[Subscription]) -> Result<Vec<Event>, Errno> {
    let count = subscriptions.len();
    let mut events: Vec<Event> = Vec::with_capacity(count);
    let mut stored = MaybeUninit::uninit();
    // SAFETY: there is a place for an event of each subscription.
    let result = unsafe {
        __real___wasi_poll_oneoff(
            subscriptions.as_ptr(),
            events.as_mut_ptr(),
            count,
            stored.as_mut_ptr(),
        )
    };
    if result != ERRNO_SUCCESS {
        return Err(result);
    }
    // SAFETY: the host has said how many it has written, of those that there is room for.
    unsafe { events.set_len(stored.assume_init().min(count)) };
    Ok(events)
}
