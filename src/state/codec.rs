//! State entries as records: a version byte, then postcard.
//!
//! The changelog keeps one record per conversation, order and store profile; the key says which. A record of
//! another version is an operator's business ([`CodecError::Version`]): the changelog must be rebuilt by replay.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::store::Store;
use super::{Profile, Progress, StoreKey, TaskState, Traffic};

/// Version of the record format. Goes up with every change of a stored type.
pub const VERSION: u8 = 3;

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RecordKey {
    /// The task itself: its stream time, and how far its inputs were applied.
    Task,
    /// A store's registrations and standing.
    Profile(StoreKey),
    /// What happens over all conversations of a store.
    Traffic(StoreKey),
    /// A conversation.
    Conversation(StoreKey, Box<str>),
    /// An order.
    Order(StoreKey, Box<str>),
    /// A verdict that was not clean.
    Flag(StoreKey, Box<str>),
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Written by another version.
    #[error(
        "state record has version {found}, this program reads {VERSION}: rebuild the state by replaying the input"
    )]
    Version {
        /// What was found.
        found: u8,
    },
    /// Cut off or damaged.
    #[error("state record is damaged: {0}")]
    Damaged(String),
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|error| CodecError::Damaged(error.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            let (value, rest) =
                postcard::take_from_bytes(body).map_err(|error| CodecError::Damaged(error.to_string()))?;
            if rest.is_empty() { Ok(value) } else { Err(CodecError::Damaged("trailing bytes".into())) }
        }
        Some((found, _)) => Err(CodecError::Version { found: *found }),
        None => Err(CodecError::Damaged("empty".into())),
    }
}

impl RecordKey {
    /// The key's bytes.
    ///
    /// # Errors
    /// Never in practice: every key type has a serial form.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        encode(self)
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        decode(bytes)
    }
}

impl TaskState {
    /// The record of `key`, or `None` when the entry is gone (a tombstone).
    ///
    /// # Errors
    /// Never in practice: every state type has a serial form.
    pub fn record(&self, key: &RecordKey) -> Result<Option<Vec<u8>>, CodecError> {
        let store = |key: &StoreKey| self.store(&key.platform, &key.store);
        match key {
            RecordKey::Task => encode(self.progress()).map(Some),
            RecordKey::Profile(at) => store(at).map(|store| encode(&*store.profile)).transpose(),
            RecordKey::Traffic(at) => store(at).map(|store| encode(&*store.traffic)).transpose(),
            RecordKey::Flag(at, id) => {
                store(at).and_then(|store| store.flags.get(id)).map(encode).transpose()
            }
            RecordKey::Conversation(at, id) => {
                store(at).and_then(|store| store.conversations.get(id)).map(encode).transpose()
            }
            RecordKey::Order(at, id) => {
                store(at).and_then(|store| store.orders.get(id)).map(encode).transpose()
            }
        }
    }

    /// Takes back a record; `None` (a tombstone) drops the entry. Timers are armed by
    /// [`crate::engine::Engine::rearm`] once everything is back.
    ///
    /// # Errors
    /// [`CodecError`] when the record is of another version or damaged.
    pub fn restore(&mut self, key: &RecordKey, record: Option<&[u8]>) -> Result<(), CodecError> {
        match key {
            RecordKey::Task => {
                if let Some(bytes) = record {
                    self.set_progress(decode::<Progress>(bytes)?);
                }
            }
            RecordKey::Profile(at) => self.put::<Profile>(at, record, |store, profile| {
                *store.profile = profile.unwrap_or_default();
            })?,
            // Every store has this record: it goes last, and the store with it.
            RecordKey::Traffic(at) => match record {
                Some(bytes) => *self.store_mut(&at.platform, &at.store).1.traffic = decode::<Traffic>(bytes)?,
                None => self.drop_store(at),
            },
            RecordKey::Conversation(at, id) => self.put(at, record, |store, entry| match entry {
                Some(entry) => store.conversations.insert(id.clone(), entry),
                None => store.conversations.remove(id),
            })?,
            RecordKey::Order(at, id) => self.put(at, record, |store, entry| match entry {
                Some(entry) => {
                    store.orders.insert(id.clone(), entry);
                    store.realias(id);
                }
                None => store.orders.remove(id),
            })?,
            RecordKey::Flag(at, id) => self.put(at, record, |store, entry| match entry {
                Some(entry) => store.flags.insert(id.clone(), entry),
                None => store.flags.remove(id),
            })?,
        }
        Ok(())
    }

    /// Puts a part back into its store, or takes it out. What is gone makes no store.
    fn put<T: DeserializeOwned>(
        &mut self,
        at: &StoreKey,
        record: Option<&[u8]>,
        put: impl FnOnce(&mut Store, Option<T>),
    ) -> Result<(), CodecError> {
        let part = record.map(decode::<T>).transpose()?;
        if part.is_some() || self.knows(&at.platform, &at.store) {
            put(self.store_mut(&at.platform, &at.store).1, part);
        }
        Ok(())
    }

    /// Every record of the state, in key order: what a changelog would hold after compaction.
    ///
    /// # Errors
    /// Never in practice: every state type has a serial form.
    pub fn records(&self) -> Result<Vec<(RecordKey, Vec<u8>)>, CodecError> {
        let mut keys = vec![RecordKey::Task];
        for (at, store) in self.stores() {
            keys.push(RecordKey::Profile(at.clone()));
            keys.push(RecordKey::Traffic(at.clone()));
            keys.extend(store.flags.keys().map(|id| RecordKey::Flag(at.clone(), id.clone())));
            keys.extend(store.conversations.keys().map(|id| RecordKey::Conversation(at.clone(), id.clone())));
            keys.extend(store.orders.keys().map(|id| RecordKey::Order(at.clone(), id.clone())));
        }
        keys.sort();
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            if let Some(record) = self.record(&key)? {
                records.push((key, record));
            }
        }
        Ok(records)
    }
}
