//! Servers that are not what they should be: with somebody else's certificate, or with TLS from the first byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rlsctl::pg::connect::{Failure, TlsFailure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::{Authority, version_1};
use super::refusals::STARTING;
use super::surroundings::{refusal, server};

/// Presents a certificate without asking whether the key belongs to it.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A listener that speaks TLS and then says that it is starting.
struct Impostor {
    port: u16,
    /// What each handshake agreed to speak.
    protocols: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
}

impl Impostor {
    /// `direct` servers begin with the handshake, others wait for Postgres' question first.
    fn start(certificate: &str, key: &str, direct: bool) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Presents(Arc::new(CertifiedKey::new(chain, key)))));
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let protocols = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&protocols);
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                // Clients that do not trust us hang up; that is what is tested.
                let _ = serve(client, &config, direct, &heard);
            }
        });
        Self { port, protocols }
    }

    fn dsn(&self) -> String {
        format!("host=localhost hostaddr=127.0.0.1 port={} user=me", self.port)
    }
}

fn serve(
    mut client: TcpStream,
    config: &Arc<ServerConfig>,
    direct: bool,
    heard: &Mutex<Vec<Option<Vec<u8>>>>,
) -> std::io::Result<()> {
    if !direct {
        client.read_exact(&mut [0; 8])?;
        client.write_all(b"S")?;
    }
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, client);
    let mut startup = [0; 1024];
    let _ = stream.read(&mut startup)?;
    heard
        .lock()
        .unwrap()
        .push(stream.conn.alpn_protocol().map(<[u8]>::to_vec));
    stream.write_all(STARTING)?;
    stream.flush()
}

fn is_let_in(failure: Option<&Failure>) -> bool {
    matches!(failure, Some(Failure::NotAccepting(_)))
}

/// Channel binding ties the password exchange to the certificate, so whoever shows the certificate must have its key, even
/// where nobody asks who signed it.
#[tokio::test]
async fn whoever_shows_a_certificate_must_have_its_key() {
    let authority = Authority::new("tests");
    let proper = authority.server(&["localhost"]);
    let old = version_1("localhost");
    let (_, foreign_key) = authority.server(&["localhost"]);
    for (certificate, key) in [proper, old] {
        let honest = Impostor::start(&certificate, &key, false);
        let liar = Impostor::start(&certificate, &foreign_key, false);
        for version in ["TLSv1.2", "TLSv1.3"] {
            let setting =
                format!("sslmode=require ssl_min_protocol_version={version} ssl_max_protocol_version={version}");
            let error = refusal(&format!("{} {setting}", honest.dsn())).await;
            assert!(is_let_in(error.failure()), "{error}");
            let error = refusal(&format!("{} {setting}", liar.dsn())).await;
            assert!(
                matches!(error.failure(), Some(Failure::Tls(TlsFailure::Certificate(_)))),
                "{version}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn a_direct_handshake_says_what_it_is_for() {
    let (certificate, key) = Authority::new("tests").server(&["localhost"]);
    let impostor = Impostor::start(&certificate, &key, true);
    let error = refusal(&format!("{} sslmode=require sslnegotiation=direct", impostor.dsn())).await;
    assert!(is_let_in(error.failure()), "{error}");
    assert_eq!(impostor.protocols.lock().unwrap()[..], [Some(b"postgresql".to_vec())]);
    let old = refusal(&format!(
        "{} user=trusted sslmode=require sslnegotiation=direct",
        server().tcp()
    ))
    .await;
    assert!(
        matches!(old.failure(), Some(Failure::Closed | Failure::Tls(_))),
        "{old}"
    );
}

/// As in libpq: `prefer` takes a broken TLS for none.
#[tokio::test]
async fn prefer_goes_on_without_tls_if_the_handshake_fails() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for answer in [&b"S no handshake, this"[..], STARTING] {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(answer);
        }
    });
    let error = refusal(&format!("host=127.0.0.1 port={port} user=me")).await;
    let attempts = error.attempts();
    assert_eq!(attempts.len(), 2, "{error}");
    assert!(
        attempts[0].over_tls && matches!(attempts[0].failure, Failure::Tls(_)),
        "{error}"
    );
    assert!(!attempts[1].over_tls && is_let_in(error.failure()), "{error}");
}
