//! Keeping the pages of the pool's slots where they are.
//!
//! When an instance ends, wasmtime asks the kernel which pages of its memory were written to,
//! and copies the original over them. They stay mapped, so that the next instance in the slot
//! has no page fault there. But it asks for 32 regions at most, and gives back everything behind
//! the 32nd, which then faults page by page in the next instance: a Python program writes to
//! more regions than that, most of them a page or two.
//!
//! So, before an instance ends, the smallest gaps between its regions are written to as well
//! (with what is there), until there are few enough. That happens once for a slot, as the pages
//! stay; copying them costs a fraction of the faults.

use std::collections::HashMap;
use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

/// How many regions wasmtime asks for. One less, so that it also sees the end of them.
const REGIONS: usize = 32 - 1;
/// A page fault costs at least as much as copying so many pages (measured: 1 µs, and 0.06 µs).
const COPIES_PER_FAULT: usize = 12;

/// The slots of an engine's pool, as far as they have been looked at.
pub(crate) struct Slots {
    /// None where wasmtime does not ask the kernel.
    pagemap: Option<File>,
    page: usize,
    /// The most pages that a slot keeps.
    kept: usize,
    /// By the address of their memory.
    visits: Mutex<HashMap<usize, Visits>>,
}

struct Visits {
    /// Of this program: another one has other pages.
    program: usize,
    count: u32,
}

impl Slots {
    /// Slots that keep up to `kept` bytes of pages, and nothing if that is 0.
    pub(crate) fn new(kept: usize) -> Self {
        let page = rustix::param::page_size();
        let pagemap = (kept > 0).then(|| File::open("/proc/self/pagemap").ok());
        Self {
            pagemap: pagemap.flatten(),
            page,
            kept: kept / page,
            visits: Mutex::default(),
        }
    }

    /// To be called before an instance of `program` (which is told from others by its address)
    /// gives `memory` back.
    pub(crate) fn leave(&self, program: usize, memory: &mut [u8]) {
        let Some(pagemap) = &self.pagemap else {
            return;
        };
        if !self.is_due(program, memory.as_ptr().addr()) {
            return;
        }
        // Without the pagemap everything works as well.
        if let Ok(written) = written_pages(pagemap, memory, self.page) {
            for page in gaps_to_fill(&written, self.kept).into_iter().flatten() {
                let byte = &mut memory[page * self.page];
                *byte = black_box(*byte);
            }
        }
    }

    /// Often in the beginning, and now and then later: what a program writes to depends on its
    /// inputs.
    fn is_due(&self, program: usize, address: usize) -> bool {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        let new = Visits { program, count: 0 };
        let slot = visits.entry(address).or_insert(new);
        if slot.program != program {
            *slot = Visits { program, count: 0 };
        }
        slot.count = slot.count.wrapping_add(1);
        slot.count.is_power_of_two() || slot.count.is_multiple_of(128)
    }
}

/// The pages of `memory` that are its own: they are in memory and not of a file. In order.
fn written_pages(pagemap: &File, memory: &[u8], page: usize) -> std::io::Result<Vec<usize>> {
    /// <https://docs.kernel.org/admin-guide/mm/pagemap.html>
    const PRESENT: u64 = 1 << 63;
    const FILE: u64 = 1 << 61;
    let first = memory.as_ptr().addr() / page;
    let mut entries = vec![0; memory.len() / page * size_of::<u64>()];
    pagemap.read_exact_at(&mut entries, (first * size_of::<u64>()) as u64)?;
    let (entries, _) = entries.as_chunks();
    let entries = entries.iter().map(|entry| u64::from_ne_bytes(*entry));
    let written = entries
        .enumerate()
        .filter(|(_, entry)| entry & (PRESENT | FILE) == PRESENT);
    Ok(written.map(|(page, _)| page).collect())
}

/// The gaps in front of and between `written` pages that are to be filled, so that few enough
/// regions are left; none if that does not pay.
fn gaps_to_fill(written: &[usize], kept: usize) -> Vec<Range<usize>> {
    let mut gaps: Vec<Range<usize>> = written
        .windows(2)
        .map(|pair| pair[0] + 1..pair[1])
        .filter(|gap| !gap.is_empty())
        .collect();
    let excess = (gaps.len() + 1).saturating_sub(REGIONS);
    if excess == 0 {
        return Vec::new();
    }
    // Behind the gap in front of the first region that is too many.
    let end_of_kept = gaps[REGIONS - 1].end;
    let faults = written.len() - written.partition_point(|page| *page < end_of_kept);
    gaps.sort_by_key(ExactSizeIterator::len);
    gaps.truncate(excess);
    let copies: usize = gaps.iter().map(ExactSizeIterator::len).sum();
    if copies > faults * COPIES_PER_FAULT || written.len() + copies > kept {
        gaps.clear();
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regions of one page, with gaps of so many pages.
    fn pages(gaps: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut pages = vec![7];
        for gap in gaps {
            pages.push(pages[pages.len() - 1] + gap + 1);
        }
        pages
    }

    #[test]
    fn few_regions_are_left_alone() {
        assert!(gaps_to_fill(&[], 1000).is_empty());
        assert!(gaps_to_fill(&pages([9; 30]), 1000).is_empty());
        assert!(gaps_to_fill(&(0..500).collect::<Vec<_>>(), 1000).is_empty());
    }

    #[test]
    fn the_smallest_gaps_are_filled() {
        // 38 regions: seven gaps have to go.
        let written = pages((0..37).map(|number| 1 + number % 13));
        let filled = gaps_to_fill(&written, 1000);
        let lengths: Vec<usize> = filled.iter().map(ExactSizeIterator::len).collect();
        assert_eq!(lengths, [1, 1, 1, 2, 2, 2, 3]);
        let mut all: Vec<usize> = written;
        all.extend(filled.into_iter().flatten());
        all.sort_unstable();
        assert!(gaps_to_fill(&all, 1000).is_empty(), "that was enough");
    }

    #[test]
    fn nothing_is_filled_that_costs_more_than_it_saves() {
        // One page too many, and only large gaps.
        assert!(gaps_to_fill(&pages([100; 31]), 10_000).is_empty());
        // More than the slot keeps.
        let written = pages([2; 60]);
        assert!(!gaps_to_fill(&written, 200).is_empty());
        assert!(gaps_to_fill(&written, 100).is_empty());
    }
}
