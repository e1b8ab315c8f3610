//! A disk in memory that fails as real ones do: calls that end in an error, writes that end half
//! way, and a loss of power after which any sector that was not synced is old or new.

use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

const SECTOR: usize = 512;

/// Numbers that are the same for the same seed: SplitMix64.
pub struct Random(pub u64);

/// A handle; clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a power loss leaves in any case.
    synced: Vec<u8>,
    /// What a reader sees.
    written: Vec<u8>,
    /// What has not been synced: offset and bytes.
    pending: Vec<(usize, Vec<u8>)>,
    /// The process is gone: nothing it still does arrives.
    dead: bool,
    fault: Option<Fault>,
}

/// What goes wrong once `calls` more calls that change the file were made.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub calls: u64,
    pub kind: ErrorKind,
    /// Of a write, half arrives.
    pub short: bool,
}

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

impl Disk {
    pub fn of(bytes: Vec<u8>) -> Disk {
        let state = State { synced: bytes.clone(), written: bytes, ..State::default() };
        Disk(Arc::new(Mutex::new(state)))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.lock().written.clone()
    }

    pub fn arm(&self, fault: Fault) {
        self.lock().fault = Some(fault);
    }

    /// From now on nothing arrives.
    pub fn unplug(&self) {
        self.lock().dead = true;
    }

    /// What the next process finds: of what was not synced, any sectors.
    pub fn after_power_loss(&self, random: &mut Random) -> Disk {
        let state = self.lock();
        let mut bytes = state.synced.clone();
        let all = random.below(4) == 0;
        for (offset, data) in &state.pending {
            for (at, sector) in data.chunks(SECTOR).enumerate() {
                let start = offset + at * SECTOR;
                if !all && random.below(2) == 0 {
                    continue;
                }
                if bytes.len() < start + sector.len() {
                    bytes.resize(start + sector.len(), 0);
                }
                bytes[start..start + sector.len()].copy_from_slice(sector);
            }
        }
        // The length is metadata of the file system, which writes it in its journal.
        bytes.resize(state.written.len(), 0);
        Disk::of(bytes)
    }

    /// What the next process finds where the machine stayed up.
    pub fn after_kill(&self) -> Disk {
        Disk::of(self.bytes())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// An error where it is due.
    fn due(&mut self) -> Option<Fault> {
        if self.dead {
            return Some(Fault { calls: 0, kind: ErrorKind::Other, short: false });
        }
        let fault = self.fault.as_mut()?;
        if fault.calls > 0 {
            fault.calls -= 1;
            return None;
        }
        self.fault.take()
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        self.written[offset..offset + data.len()].copy_from_slice(data);
        self.pending.push((offset, data.to_vec()));
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.lock().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let state = self.lock();
        let start = offset as usize;
        let bytes = state.written.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        let mut state = self.lock();
        if let Some(fault) = state.due() {
            return Err(fault.kind.into());
        }
        let len = len as usize;
        state.written.resize(len, 0);
        state.pending.retain_mut(|(offset, data)| {
            data.truncate(len.saturating_sub(*offset));
            !data.is_empty()
        });
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        let mut state = self.lock();
        if let Some(fault) = state.due() {
            return Err(fault.kind.into());
        }
        let state = &mut *state;
        state.synced.resize(state.written.len(), 0);
        for (offset, data) in state.pending.drain(..) {
            state.synced[offset..offset + data.len()].copy_from_slice(&data);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let mut state = self.lock();
        if let Some(fault) = state.due() {
            if fault.short && !state.dead {
                state.write(offset as usize, &data[..data.len() / 2]);
            }
            return Err(fault.kind.into());
        }
        state.write(offset as usize, data);
        Ok(())
    }
}
