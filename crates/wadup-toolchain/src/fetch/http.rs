//! Verified downloads over HTTP.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::digest::Sha256;

/// How often a download is tried.
const ATTEMPTS: u32 = 3;

/// What a download may have at most, in bytes: its digest is known when all of it is there.
const MAX_LENGTH: u64 = 1 << 30;

/// Downloads files by address and digest.
///
/// Proxies are taken from `HTTPS_PROXY` and its kin; certificates from the
/// platform, which looks at `SSL_CERT_FILE`, or from `PIP_CERT`.
///
/// ```no_run
/// use wadup_toolchain::{Downloader, Sha256};
///
/// let downloader = Downloader::from_env()?;
/// let digest: Sha256 = "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640".parse()?;
/// downloader.download("https://example.org/file.tar.xz", digest, "file.tar.xz".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Downloader {
    agent: Agent,
    max_length: u64,
}

/// A download failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The server did not deliver.
    #[error("failed to download {url}")]
    Transfer {
        /// The address.
        url: String,
        /// What the client reports.
        source: Box<ureq::Error>,
    },
    /// The content is not the one that is wanted. It was thrown away.
    #[error("{url} has another content than expected: expected sha256 {expected}, got {got}")]
    DigestMismatch {
        /// The address.
        url: String,
        /// The digest that was asked for.
        expected: Sha256,
        /// The digest of what came.
        got: Sha256,
    },
    /// The server did not come to an end. What it sent was thrown away.
    #[error("{url} has more than {limit} bytes, the most that is taken")]
    TooLong {
        /// The address.
        url: String,
        /// How many there may be.
        limit: u64,
    },
    /// A local file could not be read or written.
    #[error("failed to access {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DownloadError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Transfer { .. } => Some(
                "is the network up? HTTPS_PROXY and SSL_CERT_FILE are honoured where they are set",
            ),
            Self::DigestMismatch { .. } | Self::TooLong { .. } => {
                Some("the file was changed on its way or at its source; nothing of it was kept")
            }
            Self::File { .. } => None,
        }
    }
}

impl Downloader {
    /// A client that is configured by the environment.
    ///
    /// # Errors
    ///
    /// When the file that `PIP_CERT` names cannot be read.
    pub fn from_env() -> Result<Self, DownloadError> {
        let roots = match std::env::var_os("PIP_CERT") {
            Some(path) if !path.is_empty() => read_certificates(Path::new(&path))?,
            _ => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder().root_certs(roots).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_recv_body(Some(Duration::from_secs(600)))
            .user_agent(concat!("wadup/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            max_length: MAX_LENGTH,
        })
    }

    /// Downloads `url` into the file `destination`, whose folder must exist.
    /// The file appears only when its content has the digest `expected`.
    ///
    /// # Errors
    ///
    /// See [`DownloadError`]; a failed transfer is tried three times.
    pub fn download(
        &self,
        url: &str,
        expected: Sha256,
        destination: &Path,
    ) -> Result<(), DownloadError> {
        let mut partial = destination.as_os_str().to_owned();
        partial.push(".part");
        let partial = PathBuf::from(partial);
        let result = self
            .transfer_with_retries(url, &partial)
            .and_then(|()| verify(url, &partial, expected))
            .and_then(|()| fs::rename(&partial, destination).map_err(file_error(destination)));
        if result.is_err() {
            let _ = fs::remove_file(&partial);
        }
        result
    }

    fn transfer_with_retries(&self, url: &str, file: &Path) -> Result<(), DownloadError> {
        let mut attempt = 1;
        loop {
            match self.transfer(url, file) {
                Err(DownloadError::Transfer { source, .. })
                    if attempt < ATTEMPTS && is_worth_a_retry(&source) =>
                {
                    std::thread::sleep(Duration::from_millis(500 << attempt));
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn transfer(&self, url: &str, file: &Path) -> Result<(), DownloadError> {
        let transfer_error = |source| DownloadError::Transfer {
            url: url.to_owned(),
            source: Box::new(source),
        };
        let mut response = self.agent.get(url).call().map_err(transfer_error)?;
        let body = response.body_mut().as_reader();
        let mut output = File::create(file).map_err(file_error(file))?;
        let copied = io::copy(&mut body.take(self.max_length + 1), &mut output);
        let length = copied.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => file_error(file)(error),
            _ => transfer_error(ureq::Error::from(error)),
        })?;
        if length > self.max_length {
            return Err(DownloadError::TooLong {
                url: url.to_owned(),
                limit: self.max_length,
            });
        }
        Ok(())
    }
}

/// Refuses a file that has another digest than `expected`.
fn verify(url: &str, file: &Path, expected: Sha256) -> Result<(), DownloadError> {
    let got = Sha256::of_file(file).map_err(file_error(file))?;
    if got == expected {
        return Ok(());
    }
    Err(DownloadError::DigestMismatch {
        url: url.to_owned(),
        expected,
        got,
    })
}

fn is_worth_a_retry(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::StatusCode(code) => *code >= 500 || *code == 429,
        ureq::Error::BadUri(_) | ureq::Error::Tls(_) => false,
        _ => true,
    }
}

fn read_certificates(path: &Path) -> Result<RootCerts, DownloadError> {
    let pem = fs::read(path).map_err(file_error(path))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    Ok(RootCerts::from(certificates))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> DownloadError {
    let path = path.to_owned();
    move |source| DownloadError::File { path, source }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers `requests` requests with `response`, then ends.
    fn serve(response: &'static str, requests: usize) -> (String, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            for _ in 0..requests {
                let (mut stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                stream.write_all(response.as_bytes()).unwrap();
            }
        });
        (url, server)
    }

    const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

    #[test]
    fn a_file_with_the_right_digest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let (url, server) = serve(HELLO, 1);
        let downloader = Downloader::from_env().unwrap();
        downloader
            .download(&url, Sha256::of("hello"), &file)
            .unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"hello");
        server.join().unwrap();
    }

    #[test]
    fn a_file_with_another_digest_is_refused_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let (url, server) = serve(HELLO, 1);
        let downloader = Downloader::from_env().unwrap();
        let error = downloader
            .download(&url, Sha256::of("other"), &file)
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&url), "{message}");
        assert!(
            message.contains(&format!("expected sha256 {}", Sha256::of("other"))),
            "{message}"
        );
        assert!(
            message.contains(&format!("got {}", Sha256::of("hello"))),
            "{message}"
        );
        assert_eq!(
            folder.path().read_dir().unwrap().count(),
            0,
            "nothing is kept"
        );
        server.join().unwrap();
    }

    #[test]
    fn a_download_without_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let (url, server) = serve(HELLO, 2);
        let mut downloader = Downloader::from_env().unwrap();
        downloader.max_length = 4;
        let error = downloader.download(&url, Sha256::of("hello"), &file);
        assert!(
            matches!(error, Err(DownloadError::TooLong { limit: 4, .. })),
            "{error:?}"
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        downloader.max_length = 5;
        downloader
            .download(&url, Sha256::of("hello"), &file)
            .unwrap();
        server.join().unwrap();
    }

    #[test]
    fn a_truncated_transfer_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let (url, server) = serve("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", 3);
        let downloader = Downloader::from_env().unwrap();
        let error = downloader
            .download(&url, Sha256::of("hello"), &file)
            .unwrap_err();
        assert!(matches!(error, DownloadError::Transfer { .. }), "{error:?}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        server.join().unwrap();
    }

    /// Not the network, which would be asked again.
    #[test]
    fn a_full_disk_is_told_of_as_such() {
        let (url, server) = serve(HELLO, 1);
        let downloader = Downloader::from_env().unwrap();
        let error = downloader.transfer(&url, Path::new("/dev/full"));
        assert!(
            matches!(&error, Err(DownloadError::File { source, .. })
                if source.kind() == io::ErrorKind::StorageFull),
            "{error:?}"
        );
        server.join().unwrap();
    }

    #[test]
    fn an_absent_file_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let response = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        let (url, server) = serve(response, 1);
        let downloader = Downloader::from_env().unwrap();
        let file = folder.path().join("file");
        let error = downloader
            .download(&url, Sha256::of("x"), &file)
            .unwrap_err();
        assert!(matches!(error, DownloadError::Transfer { .. }), "{error:?}");
        server.join().unwrap();
    }
}
