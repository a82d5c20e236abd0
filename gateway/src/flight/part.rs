//! Parts of a divided result, as tickets carry them.

use std::num::NonZeroU16;

use proto::meshgate::v1 as messages;

use super::ticket as tickets;
use crate::error::Error;
use crate::query::Part;

/// `ticket` for one part of its result.
pub(super) fn ticket(ticket: messages::Ticket, part: &Part) -> messages::Ticket {
    let part = messages::Part {
        at_most: part.at_most.get().into(),
        number: part.number.into(),
        of: part.of.get().into(),
        digest: part.digest.clone().into(),
    };
    messages::Ticket { part: Some(part), ..ticket }
}

/// The part that a ticket carries.
///
/// # Errors
/// [`crate::ErrorKind::InvalidTicket`] where it carries something else.
pub(super) fn of(part: &messages::Part) -> Result<Part, Error> {
    let number = |number: u32| u16::try_from(number).map_err(|_| tickets::invalid());
    let positive = |positive: u32| NonZeroU16::new(number(positive)?).ok_or_else(tickets::invalid);
    Ok(Part {
        at_most: positive(part.at_most)?,
        number: number(part.number)?,
        of: positive(part.of)?,
        digest: part.digest.to_vec(),
    })
}
