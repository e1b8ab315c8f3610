//! AWS Signature Version 4 as the receiving side checks it: whether a request is the one that was
//! signed. Knows one secret, no services and no clock.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use sha2::{Digest, Sha256};

/// The key pair that is published in AWS's own examples.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A request as it came.
pub struct Received<'a> {
    pub method: &'a str,
    /// With the query, as it stood on the wire.
    pub target: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
}

/// What `authorization` states.
struct Claim<'a> {
    /// Date, region, service and a fixed word.
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// It is the very request that was signed with the secret; None: it carries no signature.
pub fn verify(request: &Received) -> Option<Result<(), String>> {
    let authorization = request.header("authorization")?;
    let parameters = authorization.strip_prefix(ALGORITHM)?;
    Some(match Claim::parse(parameters) {
        Some(claim) => request.matches(&claim),
        None => Err("the Authorization header is incomplete".to_owned()),
    })
}

// === impl Received ===

impl Received<'_> {
    fn matches(&self, claim: &Claim) -> Result<(), String> {
        let payload = hex(&Sha256::digest(self.body));
        let stated = self.header("x-amz-content-sha256");
        if stated.as_ref().is_some_and(|hash| *hash != payload && hash != UNSIGNED_PAYLOAD) {
            return Err("the body is not the one whose hash was signed".to_owned());
        }
        let date = self.header("x-amz-date").ok_or("no x-amz-date")?;
        let canonical = self.canonical(claim.signed_headers, stated.as_deref().unwrap_or(&payload));
        let hash = hex(&Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("{ALGORITHM}\n{date}\n{}\n{hash}", claim.scope);
        let secret = format!("AWS4{SECRET_KEY}").into_bytes();
        let key = claim.scope.split('/').fold(secret, |key, part| hmac(&key, part.as_bytes()));
        if hex(&hmac(&key, to_sign.as_bytes())) == claim.signature {
            return Ok(());
        }
        Err(format!("the signature does not match; the canonical request was:\n{canonical}"))
    }

    fn canonical(&self, signed_headers: &str, payload: &str) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let mut query: Vec<String> = query
            .split('&')
            .filter(|one| !one.is_empty())
            .map(|one| if one.contains('=') { one.to_owned() } else { format!("{one}=") })
            .collect();
        query.sort();
        let headers: String = signed_headers
            .split(';')
            .map(|name| format!("{name}:{}\n", self.header(name).unwrap_or_default()))
            .collect();
        // Every service but S3 encodes once more what is encoded on the wire.
        [self.method, &encoded(path), &query.join("&"), &headers, signed_headers, payload]
            .join("\n")
    }

    /// All values of a header, in one line.
    fn header(&self, name: &str) -> Option<String> {
        let same = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        let words = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
        let values: Vec<String> =
            self.headers.iter().filter(same).map(|(_, value)| words(value)).collect();
        (!values.is_empty()).then(|| values.join(","))
    }
}

// === impl Claim ===

impl<'a> Claim<'a> {
    fn parse(parameters: &'a str) -> Option<Claim<'a>> {
        let of = |name: &str| {
            let mut all = parameters.split(',').map(str::trim);
            all.find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
        };
        let (key, scope) = of("Credential")?.split_once('/')?;
        (key == ACCESS_KEY).then_some(())?;
        Some(Claim { scope, signed_headers: of("SignedHeaders")?, signature: of("Signature")? })
    }
}

/// Unreserved characters and the slash stay.
fn encoded(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

/// HMAC-SHA-256 of RFC 2104, for keys of at most one block.
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let padded = |with: u8| -> Vec<u8> {
        (0..BLOCK).map(|place| key.get(place).copied().unwrap_or(0) ^ with).collect()
    };
    let inner = Sha256::digest([padded(0x36).as_slice(), message].concat());
    Sha256::digest([padded(0x5c).as_slice(), inner.as_slice()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by botocore 1.44.5 on 2026-01-02.
    const TARGET: &str = "/model/anthropic.claude-3-5-haiku-20241022-v1%3A0/converse";
    const BODY: &[u8] = br#"{"messages": []}"#;
    const SIGNATURE: &str = "340d70559735bef84b5d32367acea62e3ac6b46469262f2718fc8e13ca2f74a3";

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn signed(scope: &str, signed_headers: &str, signature: &str) -> String {
        format!(
            "{ALGORITHM} Credential={ACCESS_KEY}/{scope}/aws4_request, \
             SignedHeaders={signed_headers}, Signature={signature}"
        )
    }

    fn bedrock(host: &str, target: &str, body: &[u8]) -> Result<(), String> {
        let scope = "20260102/us-east-1/bedrock";
        let authorization = signed(scope, "content-type;host;x-amz-date", SIGNATURE);
        let headers = headers(&[
            ("host", host),
            ("content-type", "application/json"),
            ("x-amz-date", "20260102T030405Z"),
            ("authorization", &authorization),
            // Added on the way, not covered.
            ("x-request-id", "1"),
        ]);
        let received = Received { method: "POST", target, headers: &headers, body };
        verify(&received).expect("a signature")
    }

    /// The worked example that AWS published with the algorithm: IAM's ListUsers.
    #[test]
    fn published_example_is_accepted() {
        let authorization = signed(
            "20150830/us-east-1/iam",
            "content-type;host;x-amz-date",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        );
        let headers = headers(&[
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Host", "iam.amazonaws.com"),
            ("X-Amz-Date", "20150830T123600Z"),
            ("Authorization", &authorization),
        ]);
        let target = "/?Version=2010-05-08&Action=ListUsers";
        let received = Received { method: "GET", target, headers: &headers, body: b"" };
        assert_eq!(verify(&received), Some(Ok(())));
    }

    #[test]
    fn request_that_is_not_the_signed_one_is_refused() {
        const HOST: &str = "127.0.0.1:10000";
        assert_eq!(bedrock(HOST, TARGET, BODY), Ok(()));
        assert!(bedrock("127.0.0.1:10001", TARGET, BODY).is_err(), "another host");
        assert!(bedrock(HOST, &TARGET.replace("haiku", "opus"), BODY).is_err(), "another model");
        assert!(bedrock(HOST, &TARGET.replace("%3A", ":"), BODY).is_err(), "encoded otherwise");
        assert!(bedrock(HOST, TARGET, br#"{"messages":[]}"#).is_err(), "another body");
    }
}
