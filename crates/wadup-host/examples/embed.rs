//! Embedding the host: runs a module over files into a SQLite database, and prints what came of
//! it.
//!
//! ```text
//! cargo run --release -p wadup-host --example embed -- ARTIFACT RESULTS.db JOBS INPUT…
//! ```

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::env;
use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use wadup_host::{Cancel, CompiledCache, Event, Host, HostSettings, Inputs};
use wadup_sink::SqliteSink;

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let mut arguments = env::args_os().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("missing {what}"));
    let artifact = next("ARTIFACT")?;
    let results = next("RESULTS.db")?;
    let jobs: NonZeroU32 = next("JOBS")?.to_str().ok_or("JOBS")?.parse()?;
    let inputs = arguments.fold(Inputs::new(), |inputs, path| inputs.path(path));

    let host = Host::new(HostSettings {
        jobs,
        cache: CompiledCache::at(env::temp_dir().join("wadup-embed-example")),
        ..HostSettings::default()
    })?;
    let reporter = |event: &Event<'_>| match event {
        Event::ArtifactLoaded { name, origin } => {
            println!("{name}: {origin:?} after {:?}", start.elapsed());
        }
        Event::CacheProblem(problem) => println!("{problem}"),
        _ => {}
    };
    let artifact = host.load(Path::new(&artifact), &reporter)?;
    let mut sink = SqliteSink::open(&results)?;
    let summary = host.run(&[artifact], inputs, &mut sink, &reporter, &Cancel::new())?;
    println!("{summary:#?}");
    println!(
        "{:.0} inputs a second, {:?} in all",
        summary.inputs as f64 / summary.duration.as_secs_f64(),
        start.elapsed()
    );
    Ok(())
}
