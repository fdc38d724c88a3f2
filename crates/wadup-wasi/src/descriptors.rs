use crate::Error;
use crate::abi::types::{Errno, Fd};
use crate::descriptor::Descriptor;

/// The descriptors of a guest, by number.
pub(crate) struct Descriptors {
    slots: Vec<Option<Descriptor>>,
    /// Every slot below this one is taken.
    lowest_free: usize,
    max: usize,
    /// Whether the guest ever got `EMFILE`.
    pub(crate) refused: bool,
}

impl Descriptors {
    pub(crate) fn new(max: u32) -> Self {
        Self {
            slots: Vec::with_capacity(8),
            lowest_free: 0,
            max: max as usize,
            refused: false,
        }
    }

    pub(crate) fn get(&self, fd: Fd) -> Result<&Descriptor, Error> {
        let slot = self.slots.get(index(fd)).and_then(Option::as_ref);
        slot.ok_or_else(|| Errno::Badf.into())
    }

    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Error> {
        let slot = self.slots.get_mut(index(fd)).and_then(Option::as_mut);
        slot.ok_or_else(|| Errno::Badf.into())
    }

    /// Refuses with `EMFILE` if the next [`insert`](Self::insert) would be one too many.
    pub(crate) fn check_room(&mut self) -> Result<(), Error> {
        if self.next_free() < self.max {
            return Ok(());
        }
        self.refused = true;
        Err(Errno::Mfile.into())
    }

    /// Puts a descriptor at the lowest number that is free.
    pub(crate) fn insert(&mut self, descriptor: Descriptor) -> Fd {
        let free = self.next_free();
        if free == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[free] = Some(descriptor);
        self.lowest_free = free + 1;
        Fd::from(free as u32)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Descriptor, Error> {
        let slot = self.slots.get_mut(index(fd)).and_then(Option::take);
        let descriptor = slot.ok_or(Errno::Badf)?;
        self.lowest_free = self.lowest_free.min(index(fd));
        Ok(descriptor)
    }

    /// Moves `from` over `to`, both of which are open; returns what was at `to`.
    pub(crate) fn renumber(&mut self, from: Fd, to: Fd) -> Result<Option<Descriptor>, Error> {
        self.get(from)?;
        self.get(to)?;
        if from == to {
            return Ok(None);
        }
        let moved = self.remove(from)?;
        Ok(self.slots[index(to)].replace(moved))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Descriptor> {
        self.slots.iter().flatten()
    }

    fn next_free(&self) -> usize {
        let from = self.lowest_free.min(self.slots.len());
        let found = self.slots[from..].iter().position(Option::is_none);
        found.map_or(self.slots.len(), |free| from + free)
    }
}

fn index(fd: Fd) -> usize {
    u32::from(fd) as usize
}
