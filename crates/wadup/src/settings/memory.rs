//! How much memory there is.

use std::fs;

/// Bytes that can be used without swapping: what the kernel says is available, or what the
/// control group leaves if that is less. None where nobody says.
pub(crate) fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok();
    let system = system.as_deref().and_then(of_meminfo);
    let group = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/memory.{name}")).ok();
    let group = of_group(group("max").as_deref(), group("current").as_deref());
    system.into_iter().chain(group).min()
}

fn of_meminfo(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// `memory.max` and `memory.current`; without a limit the first is the word `max`.
fn of_group(max: Option<&str>, current: Option<&str>) -> Option<u64> {
    let max: u64 = max?.trim().parse().ok()?;
    let current = current.and_then(|current| current.trim().parse().ok());
    Some(max.saturating_sub(current.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_in_kibibytes() {
        let text = "MemTotal:       24684096 kB\nMemAvailable:       2048 kB\n";
        assert_eq!(of_meminfo(text), Some(2 << 20));
        assert_eq!(of_meminfo("MemTotal: 1 kB\n"), None);
        assert_eq!(of_meminfo("MemAvailable: lots kB\n"), None);
    }

    #[test]
    fn a_group_may_have_no_limit() {
        assert_eq!(of_group(Some("1000\n"), Some("400\n")), Some(600));
        assert_eq!(of_group(Some("1000\n"), Some("4000\n")), Some(0));
        assert_eq!(of_group(Some("1000\n"), None), Some(1000));
        assert_eq!(of_group(Some("max\n"), Some("400\n")), None);
        assert_eq!(of_group(None, None), None);
    }

    #[test]
    fn this_machine_says() {
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }
}
