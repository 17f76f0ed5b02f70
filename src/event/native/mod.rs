//! Native envelopes.

use super::decode::{DecodeError, Decoded, ErrorCode};
use super::wire::Wire;

pub(super) fn decode<'a>(_wire: &Wire<'a>) -> Result<Decoded<'a>, DecodeError> {
    Err(DecodeError {
        code: ErrorCode::InvalidField,
        message: "native envelopes are not read yet".to_owned(),
    })
}
