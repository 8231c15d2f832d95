//! What holds for every text. The property tests and the fuzz targets check the same functions; hence `super::script`,
//! which is one thing here and another there.

use super::script::{Piece, PieceKind, Span, Transactional, Triage, classify, hash_tokens, split, triage};

/// Checks what has to hold for every cut of every text: the pieces cover it, and each is what it says it is.
pub(super) fn split_holds(text: &str) -> Result<(), String> {
    let pieces = match split(text) {
        Ok(pieces) => pieces,
        Err(error) if text.is_char_boundary(error.at()) && error.at() < text.len() => return Ok(()),
        Err(error) => return Err(format!("{error} at {} is nowhere", error.at())),
    };
    let mut end = 0;
    for piece in &pieces {
        let Piece { span, body, kind } = *piece;
        if span.start != end || span.is_empty() || span.end > text.len() {
            return Err(format!("{piece:?} does not start at {end}"));
        }
        if body.start < span.start || body.end > span.end || body.start > body.end {
            return Err(format!("the body of {piece:?} lies outside"));
        }
        if (kind == PieceKind::Blank) != body.is_empty() && kind != PieceKind::CopyData {
            return Err(format!("{piece:?} is blank or not"));
        }
        end = span.end;
    }
    if end != text.len() {
        return Err(format!("the pieces end at {end} of {}", text.len()));
    }
    check_again(text, &pieces)
}

/// A statement, cut once more, is one statement with the same body.
fn check_again(text: &str, pieces: &[Piece]) -> Result<(), String> {
    for piece in pieces.iter().filter(|piece| piece.kind == PieceKind::Statement) {
        let own = piece.span.slice(text);
        if piece.span.start > 0 && own.starts_with('\u{feff}') {
            // A byte-order mark is one only at the start of a file.
            continue;
        }
        let again = split(own).map_err(|error| format!("{own:?}: {error}"))?;
        let body = Span::new(piece.body.start - piece.span.start, piece.body.end - piece.span.start);
        match again.as_slice() {
            [only] if only.kind == PieceKind::Statement && only.body == body => {}
            other => return Err(format!("{own:?} becomes {other:?}")),
        }
    }
    Ok(())
}

/// Checks that the normal form is a row of records, and that it is the same for the text and for its pieces.
pub(super) fn normal_form_holds(text: &str) -> Result<(), String> {
    let mut bytes = Vec::new();
    hash_tokens(text, &mut |block| bytes.extend_from_slice(block));
    let mut rest = bytes.as_slice();
    while let Some((kind, after)) = rest.split_first() {
        let (len, after) = after.split_first_chunk().ok_or("a length is cut off")?;
        let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|error| error.to_string())?;
        rest = after
            .get(len..)
            .ok_or_else(|| format!("a record of kind {kind} is cut off"))?;
    }
    Ok(())
}

/// Checks that, if triage calls a statement plain, classify agrees or cannot read it.
pub(super) fn triage_holds(statement: &str) -> Result<(), String> {
    let (Triage::Plain, Ok(found)) = (triage(statement), classify(statement)) else {
        return Ok(());
    };
    let agrees = found.transactional == Transactional::Inside
        && found.control.is_none()
        && !found.session.any()
        && found.adds_enum_value.is_none()
        && !found.copy_from_stdin
        && !found.copy_to_stdout;
    if agrees {
        Ok(())
    } else {
        Err(format!("{statement}: {found:?}"))
    }
}
