//! Connections to Postgres, by libpq's meaning of `sslmode`: `prefer` and `require` encrypt without
//! asking who answers; `verify-full` (and `verify-ca`, held to the same) checks the name.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::postgres::{Client, Config};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::CliError;

/// Nobody waits longer for a database that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Takes any certificate: what `require` has always meant.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

/// What an address says of TLS, taken out of it: the client library knows neither.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) verify: bool,
    pub(crate) root_cert: Option<String>,
}

/// A connection that gives up soon.
pub(crate) fn connect(url: &str) -> Result<Client, CliError> {
    let failed = || CliError::database("connect to the database");
    let address = Address::parse(url);
    let tls = address.connector()?;
    let mut config: Config = address.url.parse().map_err(failed())?;
    config.connect_timeout(CONNECT_TIMEOUT).connect(tls).map_err(failed())
}

impl Address {
    pub(crate) fn parse(url: &str) -> Self {
        let mut address = Self { url: url.to_owned(), verify: false, root_cert: None };
        let Some((base, query)) = url.split_once('?') else { return address };
        let mut kept: Vec<&str> = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", "verify-full" | "verify-ca")) => {
                    address.verify = true;
                    kept.push("sslmode=require");
                }
                Some(("sslrootcert", file)) => address.root_cert = Some(file.replace("%2F", "/")),
                Some(_) | None => kept.push(parameter),
            }
        }
        address.url = match kept.is_empty() {
            true => base.to_owned(),
            false => format!("{base}?{}", kept.join("&")),
        };
        address
    }

    fn connector(&self) -> Result<MakeRustlsConnect, CliError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| roots_failed("/")(io::Error::other(error)))?;
        let config = if self.verify || self.root_cert.is_some() {
            builder.with_root_certificates(self.roots()?)
        } else {
            let verifier = Arc::new(AnyCertificate(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }

    fn roots(&self) -> Result<RootCertStore, CliError> {
        let mut roots = RootCertStore::empty();
        let certificates = match &self.root_cert {
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|error| roots_failed(path)(io::Error::other(error)))?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(certificates);
        Ok(roots)
    }
}

fn roots_failed(path: &str) -> impl FnOnce(io::Error) -> CliError {
    CliError::file("read the TLS roots", Path::new(path))
}

// === impl AnyCertificate ===

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_says_of_tls_is_taken_out_of_it() {
        let cases = [
            ("postgres://h/d", ("postgres://h/d", false, None)),
            ("postgres://h/d?sslmode=require", ("postgres://h/d?sslmode=require", false, None)),
            ("postgres://h/d?sslmode=verify-full", ("postgres://h/d?sslmode=require", true, None)),
            ("postgres://h/d?sslrootcert=%2Fca", ("postgres://h/d", false, Some("/ca"))),
        ];
        for (given, (url, verify, root_cert)) in cases {
            let root_cert = root_cert.map(str::to_owned);
            let expected = Address { url: url.to_owned(), verify, root_cert };
            assert_eq!(Address::parse(given), expected, "{given}");
        }
    }
}
