//! The playground as part of the program: kept as gzip (`build.rs`), sent as it is kept to who takes that.

use std::io::Read as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use include_dir::{Dir, include_dir};

/// What the page may load: itself, its worker and its WASM, and data of this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:";

/// What is shown where the page should be, in a program built without it.
const NOT_BUILT: &str = include_str!("not-built.html");

/// The page, as it was when the program was built; each file as gzip.
static PACKED: Dir<'_> = include_dir!("$OUT_DIR/page");

/// A file of the page.
pub(super) async fn file(uri: Uri, asked: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    match PACKED.get_file(path) {
        Some(file) => respond(path, file.contents(), accepts_gzip(&asked)),
        None if PACKED.entries().is_empty() => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such file").into_response(),
    }
}

fn respond(path: &str, packed: &'static [u8], as_packed: bool) -> Response {
    let policy = HeaderName::from_static("content-security-policy");
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let headers = [
        (header::CONTENT_TYPE, kind.essence_str()),
        (policy, CONTENT_SECURITY_POLICY),
        (header::VARY, "accept-encoding"),
        cache_of(path),
    ];
    if as_packed {
        return (headers, [(header::CONTENT_ENCODING, "gzip")], packed).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(packed).read_to_end(&mut plain) {
        Ok(_) => (headers, plain).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Names under `assets/` carry a hash of their content; other files are asked for anew each time.
fn cache_of(path: &str) -> (HeaderName, &'static str) {
    let lifetime =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    (header::CACHE_CONTROL, lifetime)
}

/// RFC 9110, 12.5.3: named, or meant by `*`, and not with a weight of nothing.
fn accepts_gzip(asked: &HeaderMap) -> bool {
    let lines =
        asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line: &HeaderValue| line.to_str().ok());
    let mut by_star = false;
    for coding in lines.flat_map(|line| line.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let is_wanted = weight.is_ok_and(|weight| weight > 0.0);
        match name.trim() {
            name if name.eq_ignore_ascii_case("gzip") => return is_wanted,
            "*" => by_star = is_wanted,
            _ => {}
        }
    }
    by_star
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(codings: &[&'static str]) -> HeaderMap {
        codings.iter().map(|line| (header::ACCEPT_ENCODING, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        for takes in ["gzip", "GZIP", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(accepts_gzip(&asking(&[takes])), "{takes}");
        }
        assert!(accepts_gzip(&asking(&["br", "gzip"])));
        for refuses in ["", "identity", "gzip;q=0", "br", "*;q=0", "*, gzip;q=0", "gzip;q=x", "xgzip"] {
            assert!(!accepts_gzip(&asking(&[refuses])), "{refuses}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn who_takes_no_gzip_gets_the_same_file_unpacked() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, b"<!doctype html>").unwrap();
        let packed: &'static [u8] = encoder.finish().unwrap().leak();
        let sent = respond("index.html", packed, true);
        assert_eq!(sent.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(axum::body::to_bytes(sent.into_body(), 1000).await.unwrap(), packed);
        let sent = respond("index.html", packed, false);
        assert_eq!(sent.headers().get(header::CONTENT_ENCODING), None);
        assert_eq!(sent.headers()[header::CONTENT_TYPE], "text/html");
        assert_eq!(axum::body::to_bytes(sent.into_body(), 1000).await.unwrap(), "<!doctype html>");
        let broken = respond("index.html", b"no gzip", false);
        assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
