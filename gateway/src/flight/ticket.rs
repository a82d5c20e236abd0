//! Tickets: a planned query that its owner can run later, sealed, since the gateway keeps nothing of it.
//!
//! Not only signed: a ticket names every table of its query with its version, also those that a view reads, and of
//! these the caller need not know.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow::datatypes::Schema;
use arrow_flight::sql::{ProstMessageExt, TicketStatementQuery};
use bytes::Bytes;
use prost::Message;
use proto::meshgate::v1::Ticket;
use sha2::{Digest, Sha256};

use super::encode;
use crate::auth::Key;
use crate::error::{Error, ErrorKind};

/// How long a ticket is good.
pub(super) const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Tells tickets apart from whatever else a key may seal.
const PURPOSE: &[u8] = b"meshgate ticket 2";

/// The ticket as a client gets it: a handle sealed with `key`, in the message that Flight SQL has for it.
///
/// # Errors
/// [`ErrorKind::Internal`] where the system has no randomness.
pub(super) fn seal(key: &Key, ticket: &Ticket) -> Result<Bytes, Error> {
    let statement_handle = key.seal(PURPOSE, &ticket.encode_to_vec())?.into();
    Ok(TicketStatementQuery { statement_handle }.as_any().encode_to_vec().into())
}

/// Opens the handle of a ticket that `subject` brings.
///
/// # Errors
/// [`ErrorKind::InvalidTicket`], with one text, where it is not sealed with `key`, not his, or too old.
pub(super) fn open(key: &Key, handle: &[u8], subject: &str, now: SystemTime) -> Result<Ticket, Error> {
    let ticket = key.open(PURPOSE, handle).ok_or_else(invalid)?;
    let ticket = Ticket::decode(ticket.as_slice()).map_err(|_| invalid())?;
    if ticket.subject != subject || ticket.expires_unix_ms <= unix_ms(now) {
        return Err(invalid());
    }
    Ok(ticket)
}

/// The one text for every ticket that is not good.
pub(super) fn invalid() -> Error {
    Error::new(ErrorKind::InvalidTicket, "the ticket is not valid, or no longer: ask for the result again")
}

/// What tells a schema from every other.
pub(super) fn schema_digest(schema: &Schema) -> Result<Bytes, Error> {
    Ok(Sha256::digest(encode::schema(schema)?).to_vec().into())
}

/// Milliseconds since 1970.
pub(super) fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow_flight::sql::Any;

    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            query_id: "q1".into(),
            statement: "SELECT 1".into(),
            subject: "ann".into(),
            expires_unix_ms: unix_ms(SystemTime::now()) + 1_000,
            ..Ticket::default()
        }
    }

    fn handle(sealed: &Bytes) -> Vec<u8> {
        let any = Any::decode(sealed.clone()).unwrap();
        any.unpack::<TicketStatementQuery>().unwrap().unwrap().statement_handle.to_vec()
    }

    fn check_refused(key: &Key, handle: &[u8], subject: &str, now: SystemTime) {
        assert_eq!(open(key, handle, subject, now), Err(invalid()));
    }

    #[test]
    fn a_ticket_opens_for_its_owner_until_it_expires() {
        let key = Key::random().unwrap();
        let handle = handle(&seal(&key, &ticket()).unwrap());
        let now = SystemTime::now();
        assert_eq!(open(&key, &handle, "ann", now).unwrap().statement, "SELECT 1");
        check_refused(&key, &handle, "bob", now);
        check_refused(&key, &handle, "", now);
        check_refused(&key, &handle, "ann", now + Duration::from_secs(2));
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let key = Key::random().unwrap();
        let good = handle(&seal(&key, &ticket()).unwrap());
        let now = SystemTime::now();
        for index in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[index] ^= 1 << bit;
                check_refused(&key, &bad, "ann", now);
            }
        }
        for length in 0..good.len() {
            check_refused(&key, &good[..length], "ann", now);
        }
    }

    #[test]
    fn a_ticket_of_another_process_or_without_a_seal_is_refused() {
        let key = Key::random().unwrap();
        let other = Key::random().unwrap();
        let now = SystemTime::now();
        check_refused(&key, &handle(&seal(&other, &ticket()).unwrap()), "ann", now);
        check_refused(&key, &ticket().encode_to_vec(), "ann", now);
        check_refused(&key, &[], "ann", now);
        check_refused(&key, b"SELECT 1", "ann", now);
    }
}
