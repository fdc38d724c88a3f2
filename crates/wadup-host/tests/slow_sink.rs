//! A sink that does not keep up holds everything back.

mod support;

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use support::{Script, folder, interpreter, settings};
use wadup_host::{Cancel, Event, Host, HostSettings, Inputs};
use wadup_sink::{Batch, Ledger, MemorySink, RunEnd, RunStart, SinkError, TableSink, TakenName};

/// Commits nothing until it is told to.
struct Stuck {
    sink: MemorySink,
    go_on: Mutex<Receiver<()>>,
}

impl TableSink for Stuck {
    fn tables(&mut self) -> Result<Vec<TakenName>, SinkError> {
        self.sink.tables()
    }

    fn begin_run(&mut self, run: &RunStart) -> Result<(), SinkError> {
        self.sink.begin_run(run)
    }

    fn ledger(&mut self) -> Result<Box<dyn Ledger>, SinkError> {
        self.sink.ledger()
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), SinkError> {
        // Fails at once when the sender is gone: from then on all goes on.
        let _ = self.go_on.lock().unwrap().recv();
        self.sink.commit(batch)
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), SinkError> {
        self.sink.finish_run(end)
    }
}

/// The same path again and again, and how often it was asked for.
struct Endless<'c> {
    path: Vec<u8>,
    left: u64,
    given: &'c AtomicU64,
}

impl std::io::Read for Endless<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        self.left -= 1;
        self.given.fetch_add(1, Ordering::SeqCst);
        buf[..self.path.len()].copy_from_slice(&self.path);
        Ok(self.path.len())
    }
}

#[test]
fn a_sink_that_is_stuck_holds_back_workers_and_inputs() {
    const INPUTS: u64 = 2000;
    const ROW: usize = 1 << 20;
    const JOBS: u32 = 4;
    static GIVEN: AtomicU64 = AtomicU64::new(0);

    let text = "x".repeat(ROW);
    let table = r#"{"name":"t","columns":[{"name":"s","data_type":"String"}]}"#;
    let row = format!(r#"{{"table_name":"t","values":[{{"String":"{text}"}}]}}"#);
    let script = Script::new().metadata(&format!(r#"{{"tables":[{table}],"rows":[{row}]}}"#));
    let folder = folder([("input", script)]);
    let mut path = folder
        .path()
        .join("input")
        .into_os_string()
        .into_encoded_bytes();
    path.push(0);
    let inputs = Inputs::new().list(Endless {
        path,
        left: INPUTS,
        given: &GIVEN,
    });
    let host = Host::new(HostSettings {
        jobs: NonZeroU32::new(JOBS).unwrap(),
        ..settings()
    })
    .unwrap();
    let artifact = interpreter(&host);
    let (sender, go_on) = mpsc::channel();
    let mut sink = Stuck {
        sink: MemorySink::new(),
        go_on: Mutex::new(go_on),
    };
    let (finished, ended) = (AtomicU64::new(0), AtomicBool::new(false));
    let reporter = |event: &Event<'_>| {
        if let Event::InputFinished { .. } = event {
            finished.fetch_add(1, Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let cancel = Cancel::new();
            let summary = host.run(&[artifact], inputs, &mut sink, &reporter, &cancel);
            ended.store(true, Ordering::SeqCst);
            assert_eq!(summary.unwrap().rows["t"], INPUTS);
        });
        // Until nothing happens any more.
        let (mut seen, mut since) = (0, Instant::now());
        while seen == 0 || since.elapsed() < Duration::from_secs(1) {
            let now = finished.load(Ordering::SeqCst);
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            assert!(!ended.load(Ordering::SeqCst), "nothing was committed");
            std::thread::sleep(Duration::from_millis(10));
        }
        // 64 MiB wait, as many are in the sink's hands, and each worker has one.
        assert!((64..=128 + u64::from(JOBS)).contains(&seen), "{seen}");
        let given = GIVEN.load(Ordering::SeqCst);
        assert!(given < INPUTS / 2, "{given} inputs were asked for");
        drop(sender);
    });
}
