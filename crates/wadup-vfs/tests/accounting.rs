//! What is charged covers what the allocator hands out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use wadup_vfs::{Device, Error, Limits, Mount, OpenOptions, SystemTime, Vfs};

static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[expect(unsafe_code, reason = "counting allocations takes an allocator")]
// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(footprint(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(footprint(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// An allocation with glibc's header and rounding.
fn footprint(size: usize) -> isize {
    ((size + 8).next_multiple_of(16)).max(32) as isize
}

/// What a file system takes after `fill`, and what it says it takes.
fn measure(fill: impl Fn(&mut Vfs) -> Result<(), Error>) -> (isize, isize) {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let mut vfs = Vfs::new(Limits::bytes(1 << 30), SystemTime::shared());
    fill(&mut vfs).unwrap();
    let taken = ALLOCATED.load(Ordering::Relaxed) - before;
    (taken, vfs.usage().bytes as isize)
}

fn touch(vfs: &mut Vfs, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let file = vfs.open(vfs.root(), path.as_bytes(), OpenOptions::create_new())?;
    vfs.write_at(&file, 0, bytes)?;
    vfs.close(file);
    Ok(())
}

/// One test, since the counter is for the whole process.
#[test]
fn no_more_is_allocated_than_is_charged() {
    // The root and the table of inodes are there from the start.
    const EMPTY: isize = 8 << 10;
    type Fill = fn(&mut Vfs) -> Result<(), Error>;
    let cases: [(&str, Fill); 8] = [
        ("empty files", |vfs| {
            (0..70_000).try_for_each(|i| touch(vfs, &format!("/{i}"), b""))
        }),
        ("short files", |vfs| {
            (0..70_000).try_for_each(|i| touch(vfs, &format!("/{i}"), b"x"))
        }),
        ("long names", |vfs| {
            (0..10_000).try_for_each(|i| touch(vfs, &format!("/{i:0>255}"), b""))
        }),
        ("directories", |vfs| {
            (0..70_000)
                .try_for_each(|i| vfs.create_directory(vfs.root(), format!("{i}").as_bytes()))
        }),
        ("a directory in each", |vfs| {
            let mut dir = vfs.root();
            (0..70_000).try_for_each(|_| {
                vfs.create_directory(dir, b"d")?;
                dir = vfs.lookup(dir, b"d", false)?;
                Ok(())
            })
        }),
        ("hard links", |vfs| {
            touch(vfs, "/f", b"")?;
            let root = vfs.root();
            (0..60_000).try_for_each(|i| {
                vfs.create_link(root, b"f", true, root, format!("{i}").as_bytes())
                    .map(drop)
            })
        }),
        ("short files with a hole", |vfs| {
            (0..20_000).try_for_each(|i| {
                let file = vfs.open(
                    vfs.root(),
                    format!("{i}").as_bytes(),
                    OpenOptions::create_new(),
                )?;
                vfs.write_at(&file, 1 << 16, b"x")?;
                vfs.close(file);
                Ok(())
            })
        }),
        ("a byte in each chunk", |vfs| {
            let file = vfs.open(vfs.root(), b"f", OpenOptions::create_new())?;
            (0..10_000).try_for_each(|i| vfs.write_at(&file, i << 16, b"x").map(drop))
        }),
    ];
    for (what, fill) in cases {
        let (taken, charged) = measure(fill);
        assert!(
            taken <= charged + EMPTY,
            "{what}: {taken} bytes taken, {charged} charged"
        );
        assert!(
            charged <= 5 * taken,
            "{what}: {taken} bytes taken, {charged} charged: too dear"
        );
    }
    standard_layout_is_cheap();
}

/// What every input gets.
fn standard_layout() -> Result<Vfs, Error> {
    let mut vfs = Vfs::new(Limits::default(), SystemTime::shared());
    for dir in [
        "/dev",
        "/input",
        "/tmp",
        "/metadata",
        "/subcontent",
        "/lib",
        "/app",
    ] {
        vfs.mount(dir, Mount::Directory)?;
    }
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/urandom", Device::Random),
    ] {
        vfs.mount(path, Mount::Device(device))?;
    }
    vfs.mount("/input/path", Mount::File(b"some/file.txt".to_vec()))?;
    vfs.mount("/data.bin", Mount::Content(Box::new(b"content".to_vec())))?;
    Ok(vfs)
}

fn standard_layout_is_cheap() {
    let rounds = 10_000;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        drop(standard_layout().unwrap());
    }
    let each = start.elapsed() / rounds;
    // An order of magnitude above what it takes: machines differ, and are busy.
    assert!(each.as_micros() < 50, "{each:?} for one file system");
    #[expect(clippy::print_stderr, reason = "the figure is worth seeing")]
    {
        eprintln!("the standard layout is made and dropped in {each:?}");
    }
}
