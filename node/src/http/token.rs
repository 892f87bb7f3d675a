//! Who may read: `http-token`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Lets a request on that shows the token; any, if there is none.
pub(super) async fn check(State(token): State<Arc<str>>, request: Request, next: Next) -> Response {
    let shown =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(shown);
    if token.is_empty() || shown.is_some_and(|shown| is_equal(shown.as_bytes(), token.as_bytes())) {
        return next.run(request).await;
    }
    // A browser asks its user for it.
    let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"Slotway: http-token as the password\"")];
    (StatusCode::UNAUTHORIZED, ask, "the token is missing or wrong: see http-token\n").into_response()
}

/// The token in what a client shows.
fn shown(authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    let pair = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?)
        .ok()
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some(pair.split_once(':')?.1.to_owned())
}

/// Takes the same time however much of it is right.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_as_bearer_or_as_a_password() {
        assert_eq!(shown("Bearer s3cret").as_deref(), Some("s3cret"));
        assert_eq!(shown("Basic YW55Ym9keTpzM2NyZXQ=").as_deref(), Some("s3cret"));
        assert_eq!(shown("basic OnM6Yw==").as_deref(), Some("s:c"));
        for wrong in ["", "Bearer", "Digest x", "Basic ***", "Basic YWJj"] {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        assert!(is_equal(b"abc", b"abc") && !is_equal(b"abc", b"abd") && !is_equal(b"abc", b"ab"));
    }
}
