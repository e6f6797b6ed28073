//! What a process used: CPU, memory, system calls.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// CPU time of a process so far, all its threads, in microseconds.
///
/// # Errors
/// When the process is gone.
pub(super) fn cpu_us(pid: u32) -> Result<f64> {
    // Nanoseconds by thread where the kernel counts them; clock ticks of 10 ms (`/proc/PID/stat`) are too coarse
    // for a round of less than a second.
    let mut nanoseconds = 0.0;
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))
        .with_context(|| format!("process {pid} is gone"))?;
    for task in tasks.flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        nanoseconds += text
            .split(' ')
            .next()
            .and_then(|word| word.parse::<f64>().ok())
            .unwrap_or_default();
    }
    if nanoseconds > 0.0 {
        Ok(nanoseconds / 1000.0)
    } else {
        ticks_us(pid)
    }
}

fn ticks_us(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field, in parentheses, may hold spaces.
    let (_, rest) = text.rsplit_once(')').context("no /proc/PID/stat")?;
    let field = |index: usize| {
        rest.split_whitespace()
            .nth(index)
            .and_then(|word| word.parse::<f64>().ok())
    };
    Ok((field(11).unwrap_or_default() + field(12).unwrap_or_default()) * 10_000.0)
}

/// Resident memory now, in KiB.
pub(super) fn resident_kib(pid: u32) -> f64 {
    status_kib(pid, "VmRSS:")
}

/// Highest resident memory since the process began or [`forget_peak`], in KiB.
pub(super) fn peak_kib(pid: u32) -> f64 {
    status_kib(pid, "VmHWM:")
}

/// Starts the peak anew where the kernel allows it.
pub(super) fn forget_peak(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

fn status_kib(pid: u32, field: &str) -> f64 {
    fs::read_to_string(format!("/proc/{pid}/status"))
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix(field)?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or_default()
}

/// System calls of a process while `work` runs.
///
/// # Errors
/// When strace cannot attach.
pub(super) fn syscalls(
    strace: &Path,
    pid: u32,
    mut work: impl FnMut() -> Result<()>,
) -> Result<f64> {
    let summary = tempfile::NamedTempFile::new()?;
    let mut child = Command::new(strace)
        .args(["-f", "-c", "-o"])
        .arg(summary.path())
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run strace")?;
    let attached = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|text| {
            text.lines().any(|line| {
                line.strip_prefix("TracerPid:")
                    .is_some_and(|tracer| tracer.trim() != "0")
            })
        })
    });
    let done = if attached { work() } else { Ok(()) };
    crate::lab::process::signal(child.id(), "INT")?;
    child.wait()?;
    done?;
    if !attached {
        bail!("strace cannot attach to process {pid}");
    }
    total_calls(&fs::read_to_string(summary.path())?).context("strace gave no summary")
}

/// The `calls` column of the line `… total`.
fn total_calls(summary: &str) -> Option<f64> {
    let line = summary
        .lines()
        .find(|line| line.trim_end().ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_process() {
        let own = std::process::id();
        assert!(cpu_us(own).unwrap() > 0.0);
        assert!(ticks_us(own).unwrap() >= 0.0);
        assert!(resident_kib(own) > 100.0);
        assert!(peak_kib(own) >= 100.0);
    }

    #[test]
    fn reads_strace_summaries() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n 60.00    0.001       1      2000           sendto\n------ ----------- ----------- --------- --------- ----------------\n100.00    0.002       1      6012        12 total\n";
        assert_eq!(total_calls(text), Some(6012.0));
    }
}
