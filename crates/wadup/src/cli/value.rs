//! Values of options that have a grammar of their own.

use std::{num::NonZeroU32, time::Duration};

use bytesize::ByteSize;

/// An environment variable for the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvVar {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Plain bytes, or a number with a unit: `1048576`, `256MiB`, `1.5 GB`.
pub(super) fn size(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text
        .parse()
        .map_err(|_| "expected bytes or a size with a unit, such as 256MiB".to_owned())?;
    if size.as_u64() == 0 {
        return Err("must be more than zero".to_owned());
    }
    Ok(size)
}

/// A number with a unit: `3s`, `500ms`, `1m 30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|_| "expected a duration with a unit, such as 3s or 500ms".to_owned())?;
    if duration.is_zero() {
        return Err("must be more than zero".to_owned());
    }
    Ok(duration)
}

/// A number of things that are needed: at least one.
pub(super) fn count(text: &str) -> Result<NonZeroU32, String> {
    let expected = |_| format!("expected a number from 1 to {}", u32::MAX);
    text.parse().map_err(expected)
}

/// `NAME=VALUE`; the value may be empty and may contain `=`.
pub(super) fn env_var(text: &str) -> Result<EnvVar, String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("expected NAME=VALUE")?;
    Ok(EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("1048576").unwrap(), ByteSize::mib(1));
        assert_eq!(size("256MiB").unwrap(), ByteSize::mib(256));
        assert_eq!(size("256 MiB").unwrap(), ByteSize::mib(256));
        assert_eq!(size("2GB").unwrap(), ByteSize::gb(2));
        assert_eq!(size("1.5KiB").unwrap(), ByteSize::b(1536));
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        for text in ["", "lots", "-1", "0", "12 parsecs", "256 Mi B", "NaN"] {
            assert!(
                size(text).is_err(),
                "{text:?} was taken as {:?}",
                size(text)
            );
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("3s").unwrap(), Duration::from_secs(3));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("1m 30s").unwrap(), Duration::from_secs(90));
        for text in ["3", "", "0s", "-1s", "soon"] {
            assert!(duration(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn environment_variables_have_an_equals_sign() {
        let var = env_var("NAME=a=b").unwrap();
        assert_eq!((&*var.name, &*var.value), ("NAME", "a=b"));
        assert_eq!(env_var("NAME=").unwrap().value, "");
        assert!(env_var("NAME").is_err());
        assert!(env_var("=value").is_err());
    }
}
