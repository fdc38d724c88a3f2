//! What a guest finds around itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use wadup_protocol::{bundle, paths};
use wadup_vfs::{ContentSource, Limits, Mount, SystemTime, Vfs};
use wadup_wasi::{WasiConfig, WasiCtx};

use crate::artifact::Artifact;
use crate::settings::HostSettings;

/// Makes sandboxes, all alike but for their input. A run does that by itself; this is for who
/// executes an artifact's program without a run, to measure it.
#[derive(Debug)]
pub struct Sandboxes {
    config: Arc<WasiConfig>,
    limits: Limits,
    /// Folders that are there for what the guest mounts on them.
    mount_points: &'static [&'static str],
}

impl Sandboxes {
    /// For an artifact, which is told its own name.
    pub fn new(settings: &HostSettings, artifact: &Artifact) -> Self {
        let output = usize::try_from(settings.caps.output).unwrap_or(usize::MAX);
        let mut config = WasiConfig::new()
            .arg(artifact.name())
            .watch(paths::METADATA_DIR)
            .watch(paths::SUBCONTENT_DIR)
            .output_caps(output, output);
        for (key, value) in &settings.env {
            config = config.env(key, value);
        }
        Self {
            config: Arc::new(config),
            limits: Limits::bytes(settings.caps.files),
            mount_points: match artifact.program().manifest() {
                Some(_) => &[bundle::LIB_DIR, bundle::APP_DIR],
                None => &[],
            },
        }
    }

    /// A sandbox that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// When the limit on files is too small for the few that there have to be.
    pub fn make(
        &self,
        path: &OsStr,
        content: Box<dyn ContentSource>,
    ) -> Result<WasiCtx, wadup_vfs::Error> {
        let mut vfs = Vfs::new(self.limits, SystemTime::shared());
        vfs.mount(paths::DATA, Mount::Content(content))?;
        vfs.mount("/input", Mount::Directory)?;
        vfs.mount(paths::INPUT_PATH, Mount::File(path.as_bytes().to_vec()))?;
        vfs.seal(paths::INPUT_PATH)?;
        vfs.seal("/input")?;
        vfs.mount(paths::TMP_DIR, Mount::Directory)?;
        vfs.mount(paths::METADATA_DIR, Mount::Directory)?;
        vfs.mount(paths::SUBCONTENT_DIR, Mount::Directory)?;
        vfs.mount_devices()?;
        for point in self.mount_points {
            vfs.mount(point, Mount::Directory)?;
            vfs.seal(point)?;
        }
        Ok(WasiCtx::new(Arc::clone(&self.config), vfs))
    }
}
