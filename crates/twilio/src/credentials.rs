//! The auth token and its source.
//!
//! The token is never shown: not by `Debug`, not in an error. A token file is read again when it changed, and once more
//! after Twilio refused its token. No copy outlives a file that became unusable: a restarted process would not have one.
//!
//! A file system may hang. The file is read on a blocking thread, one at a time, and waited for within a limit.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    sync::Mutex,
    task::spawn_blocking,
    time::{Instant, timeout},
};

use crate::{
    error::Failure,
    token_text::{self, MalformedToken},
};

/// The longest token file that is read: longer than any token.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// The source of the auth token of the main account.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// The token itself.
    Fixed(SecretString),
    /// A file that contains the token, and may be replaced while the process runs.
    File(PathBuf),
}

/// The error of reading the auth token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The token is empty.
    #[error("the auth token is empty: set the main account's auth token")]
    Empty,
    /// The token file is empty.
    #[error("the auth token file {} is empty: write the main account's auth token into it", .0.display())]
    EmptyFile(PathBuf),
    /// The token file is longer than a token can be.
    #[error("the auth token file {} is longer than 4 KiB: use a file that contains only the token", .0.display())]
    TooLarge(PathBuf),
    /// The token file is not text.
    #[error("the auth token file {} is not text: save it as UTF-8, with only the token", .0.display())]
    NotText(PathBuf),
    /// The token is set with something that is not part of it.
    #[error("the auth token in `TWILIO_AUTH_TOKEN` {0}")]
    Malformed(MalformedToken),
    /// The token file contains something that is not part of the token.
    #[error("the auth token file {} {problem}", .path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: MalformedToken,
    },
    /// The token file cannot be read.
    #[error(
        "the auth token file {} cannot be read ({cause}): check that it exists and that this user may read it",
        .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
}

/// The current token.
pub(crate) struct Token {
    source: TokenSource,
    /// Locked while the file is read.
    held: Arc<Mutex<Option<CachedToken>>>,
}

struct CachedToken {
    of: Fingerprint,
    token: SecretString,
}

/// The fingerprint of a file: it changes with the file, and when the path leads to another one.
#[derive(PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.size(),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl Token {
    /// The token of `source`, which must be readable now.
    pub(crate) fn new(source: TokenSource) -> Result<Self, TokenError> {
        let (source, held) = match source {
            TokenSource::Fixed(text) => {
                match token_text::token(text.expose_secret()).map_err(TokenError::Malformed)? {
                    "" => return Err(TokenError::Empty),
                    token => (TokenSource::Fixed(SecretString::from(token)), None),
                }
            }
            TokenSource::File(path) => {
                let held = read(&path)?;
                (TokenSource::File(path), Some(held))
            }
        };
        Ok(Self { source, held: Arc::new(Mutex::new(held)) })
    }

    /// The token; a file is read only when it changed, and waited for no longer than `limit`.
    pub(crate) async fn current(&self, limit: Duration) -> Result<SecretString, Failure> {
        match &self.source {
            TokenSource::Fixed(token) => Ok(token.clone()),
            TokenSource::File(path) => {
                self.in_file(path, limit, |path, held| {
                    let now = fs::metadata(path).map_err(|cause| unreadable(path, cause))?;
                    match held {
                        Some(held) if held.of == Fingerprint::of(&now) => Ok(held.token.clone()),
                        _ => Ok(held.insert(read(path)?).token.clone()),
                    }
                })
                .await
            }
        }
    }

    /// The token that the source contains now, when it is not `refused` and is read within `limit`.
    pub(crate) async fn other_than(&self, refused: &SecretString, limit: Duration) -> Option<SecretString> {
        let TokenSource::File(path) = &self.source else { return None };
        let refused = refused.clone();
        let other = self.in_file(path, limit, move |path, held| {
            let read = read(path)?;
            let is_other = read.token.expose_secret() != refused.expose_secret();
            Ok(is_other.then(|| held.insert(read).token.clone()))
        });
        other.await.ok()?
    }

    /// Makes `call` on a blocking thread. Until a call that took too long returns, no other one begins.
    async fn in_file<T: Send + 'static>(
        &self,
        path: &Path,
        limit: Duration,
        call: impl FnOnce(&Path, &mut Option<CachedToken>) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, Failure> {
        #[cfg(feature = "simulation")]
        if crate::simulation::exchange().is_some() {
            return Ok(call(path, &mut *self.held.lock().await)?);
        }
        let (began, file, held) = (Instant::now(), path.to_owned(), Arc::clone(&self.held));
        let called = async {
            let mut held = held.lock_owned().await;
            spawn_blocking(move || call(&file, &mut held)).await
        };
        match timeout(limit, called).await {
            // A process that stood still may learn it late.
            Ok(Ok(read)) if began.elapsed() <= limit => Ok(read?),
            Ok(Err(failed)) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends.
                Err(_) => Err(Failure::Stopping),
            },
            Ok(Ok(_)) | Err(_) => Err(Failure::TokenLate { path: path.to_owned(), limit }),
        }
    }
}

fn read(path: &Path) -> Result<CachedToken, TokenError> {
    let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
    let of = Fingerprint::of(&file.metadata().map_err(|cause| unreadable(path, cause))?);
    let mut bytes = Vec::with_capacity(MAX_TOKEN_BYTES + 1);
    file.take(MAX_TOKEN_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|cause| unreadable(path, cause))?;
    if bytes.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge(path.to_owned()));
    }
    let text = str::from_utf8(&bytes).map_err(|_| TokenError::NotText(path.to_owned()))?;
    let malformed = |problem| TokenError::MalformedFile { path: path.to_owned(), problem };
    match token_text::token(text).map_err(malformed)? {
        "" => Err(TokenError::EmptyFile(path.to_owned())),
        token => Ok(CachedToken { of, token: SecretString::from(token) }),
    }
}

fn unreadable(path: &Path, cause: io::Error) -> TokenError {
    TokenError::Unreadable { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    const LIMIT: Duration = Duration::from_secs(10);

    async fn current(token: &Token) -> String {
        token.current(LIMIT).await.unwrap().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn the_newline_at_the_end_is_not_part_of_the_token() {
        for text in ["secret", "secret\n", "secret\r\n"] {
            let (_dir, path) = file(text.as_bytes());
            assert_eq!(current(&Token::new(TokenSource::File(path)).unwrap()).await, "secret");
        }
    }

    #[tokio::test]
    async fn a_replaced_file_is_read_again() {
        let (dir, path) = file(b"first\n");
        let token = Token::new(TokenSource::File(path.clone())).unwrap();
        assert_eq!(current(&token).await, "first");
        fs::write(dir.path().join("new"), "other\n").unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert_eq!(current(&token).await, "other");
    }

    #[tokio::test]
    async fn a_pipe_that_gives_the_token_only_once_is_enough() {
        let (read, mut write) = io::pipe().unwrap();
        io::Write::write_all(&mut write, b"secret\n").unwrap();
        drop(write);
        let path = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&read)));
        let token = Token::new(TokenSource::File(path)).unwrap();
        assert!(token.other_than(&"refused".into(), LIMIT).await.is_none());
        assert_eq!(current(&token).await, "secret");
    }

    #[tokio::test]
    async fn refused_token_is_replaced_only_by_another_one() {
        let (_dir, path) = file(b"first");
        let token = Token::new(TokenSource::File(path.clone())).unwrap();
        let first = token.current(LIMIT).await.unwrap();
        assert!(token.other_than(&first, LIMIT).await.is_none());
        fs::write(&path, "newer").unwrap();
        assert_eq!(token.other_than(&first, LIMIT).await.unwrap().expose_secret(), "newer");
        assert!(
            Token::new(TokenSource::Fixed("a".into()))
                .unwrap()
                .other_than(&"b".into(), LIMIT)
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn a_newer_token_is_kept_even_when_its_file_looks_unchanged() {
        let (_dir, path) = file(b"newer");
        let token = Token::new(TokenSource::File(path)).unwrap();
        let stale = SecretString::from("stale");
        token.held.lock().await.as_mut().unwrap().token = stale.clone();
        assert_eq!(token.other_than(&stale, LIMIT).await.unwrap().expose_secret(), "newer");
        assert_eq!(current(&token).await, "newer");
    }

    #[test]
    fn invalid_token_is_an_error_with_its_fix() {
        for (text, words) in [
            (&b""[..], "is empty: write the main account's auth token into it"),
            (b"\n", "is empty: write the main account's auth token into it"),
            (&[b'x'; MAX_TOKEN_BYTES + 1], "is longer than 4 KiB: use a file that contains only the token"),
            (b"\xff\xfe", "is not text: save it as UTF-8, with only the token"),
        ] {
            let (_dir, path) = file(text);
            let error = Token::new(TokenSource::File(path)).err().unwrap().to_string();
            assert!(error.ends_with(words), "{error}");
        }
        let error = Token::new(TokenSource::File("/nowhere/token".into())).err().unwrap().to_string();
        assert!(error.contains("/nowhere/token cannot be read (No such file"), "{error}");
        assert!(Token::new(TokenSource::Fixed("".into())).is_err());
    }

    #[tokio::test]
    async fn a_file_that_became_unusable_leaves_no_token() {
        let (_dir, path) = file(b"first");
        let token = Token::new(TokenSource::File(path.clone())).unwrap();
        fs::write(&path, "").unwrap();
        assert!(token.current(LIMIT).await.is_err());
        fs::write(&path, "again").unwrap();
        assert_eq!(current(&token).await, "again");
    }

    #[test]
    fn a_token_is_not_shown() {
        let parsed = format!("{:?}", TokenSource::Fixed("secret-token".into()));
        assert!(!parsed.contains("secret-token"), "{parsed}");
    }
}
