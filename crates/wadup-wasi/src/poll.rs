use std::time::{Duration, Instant};

use wadup_vfs::FileType;
use wiggle::{GuestMemory, GuestPtr};

use crate::Error;
use crate::abi::types::{
    Clockid, Errno, Event, EventFdReadwrite, Eventrwflags, Eventtype, Fd, Subclockflags,
    Subscription, SubscriptionClock, SubscriptionU,
};
use crate::context::WasiCtx;
use crate::descriptor::Descriptor;
use crate::interrupt::Deadline;

/// Subscriptions of one call at most.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// What is known of a subscription before waiting.
enum State {
    Ready(Event),
    /// A clock that has yet to come to its time.
    Pending {
        userdata: u64,
        wait: Duration,
    },
}

impl WasiCtx {
    /// `poll_oneoff`. Files, streams and bad subscriptions are ready at once; clocks are waited
    /// for only if nothing else is.
    pub(crate) fn poll(
        &mut self,
        memory: &mut GuestMemory<'_>,
        subscriptions: GuestPtr<Subscription>,
        events: GuestPtr<Event>,
        count: u32,
    ) -> Result<u32, Error> {
        if count == 0 || count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval.into());
        }
        let mut states = Vec::with_capacity(count as usize);
        for subscription in subscriptions.as_array(count).iter() {
            states.push(self.state(memory.read(subscription?)?));
        }
        let due = if states.iter().any(|state| matches!(state, State::Ready(_))) {
            Duration::ZERO
        } else {
            self.wait(&states)?
        };
        let mut stored = 0;
        for state in states {
            let event = match state {
                State::Ready(event) => event,
                State::Pending { userdata, wait } if wait <= due => {
                    clock_event(userdata, Errno::Success)
                }
                State::Pending { .. } => continue,
            };
            memory.write(events.add(stored)?, event)?;
            stored += 1;
        }
        Ok(stored)
    }

    fn state(&self, subscription: Subscription) -> State {
        let userdata = subscription.userdata;
        match subscription.u {
            SubscriptionU::Clock(clock) => match self.time_left(&clock) {
                Ok(Duration::ZERO) => State::Ready(clock_event(userdata, Errno::Success)),
                Ok(wait) => State::Pending { userdata, wait },
                Err(errno) => State::Ready(clock_event(userdata, errno)),
            },
            SubscriptionU::FdRead(fd) => State::Ready(self.readable(userdata, fd.file_descriptor)),
            SubscriptionU::FdWrite(fd) => State::Ready(self.writable(userdata, fd.file_descriptor)),
        }
    }

    fn time_left(&self, clock: &SubscriptionClock) -> Result<Duration, Errno> {
        let now = match clock.id {
            Clockid::Realtime => self.config.clock.realtime(),
            Clockid::Monotonic => self.config.clock.monotonic(),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => return Err(Errno::Inval),
        };
        let absolute = clock
            .flags
            .contains(Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME);
        let left = if absolute {
            clock.timeout.saturating_sub(now)
        } else {
            clock.timeout
        };
        Ok(Duration::from_nanos(left))
    }

    /// Sleeps until the first clock is due; returns how long that was to be.
    fn wait(&self, states: &[State]) -> Result<Duration, Error> {
        let waits = states.iter().filter_map(|state| match state {
            State::Pending { wait, .. } => Some(*wait),
            State::Ready(_) => None,
        });
        let shortest = waits.min().unwrap_or_default();
        let Deadline { at, interrupt } = &self.deadline;
        interrupt.sleep(Instant::now().checked_add(shortest), *at)?;
        Ok(shortest)
    }

    fn readable(&self, userdata: u64, fd: Fd) -> Event {
        let ready =
            |nbytes, flags| event(userdata, Errno::Success, Eventtype::FdRead, nbytes, flags);
        match self.descriptors.get(fd) {
            Ok(Descriptor::Stdin) if self.streams.is_some() => ready(1, Eventrwflags::empty()),
            Ok(Descriptor::Stdin) => ready(0, Eventrwflags::FD_READWRITE_HANGUP),
            Ok(Descriptor::File(file))
                if file.file_type == FileType::Regular && file.handle.is_readable() =>
            {
                let size = self
                    .vfs
                    .metadata(file.handle.inode())
                    .map_or(0, |metadata| metadata.size);
                ready(size.saturating_sub(file.offset), Eventrwflags::empty())
            }
            Ok(Descriptor::File(file)) if file.handle.is_readable() => {
                ready(1, Eventrwflags::empty())
            }
            _ => event(
                userdata,
                Errno::Badf,
                Eventtype::FdRead,
                0,
                Eventrwflags::empty(),
            ),
        }
    }

    fn writable(&self, userdata: u64, fd: Fd) -> Event {
        let (error, nbytes) = match self.descriptors.get(fd) {
            Ok(Descriptor::Output(_)) => (Errno::Success, 1),
            Ok(Descriptor::File(file)) if file.handle.is_writable() => (Errno::Success, 1),
            _ => (Errno::Badf, 0),
        };
        event(
            userdata,
            error,
            Eventtype::FdWrite,
            nbytes,
            Eventrwflags::empty(),
        )
    }
}

fn clock_event(userdata: u64, error: Errno) -> Event {
    event(userdata, error, Eventtype::Clock, 0, Eventrwflags::empty())
}

fn event(userdata: u64, error: Errno, type_: Eventtype, nbytes: u64, flags: Eventrwflags) -> Event {
    Event {
        userdata,
        error,
        type_,
        fd_readwrite: EventFdReadwrite { nbytes, flags },
    }
}
