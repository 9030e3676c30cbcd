//! A throw-away certificate authority, so that clients which insist on TLS can be answered.

use std::path::Path;

use firstline_fault::{InternalError, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// A certificate of a server and the authority that signed it.
pub struct Certificates {
    /// The authority's certificate, PEM: what a client trusts.
    pub authority: String,
    pub(crate) server: ServerConfig,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Certificates {
    /// A new authority and a certificate for `names`, hosts or addresses.
    ///
    /// # Errors
    /// When the machine gives no random numbers.
    pub fn new(names: &[&str]) -> Result<Self> {
        let fault = |e: &dyn std::fmt::Display| InternalError::new(format!("a throw-away certificate: {e}"));
        let mut of_authority = CertificateParams::new(Vec::new()).map_err(|e| fault(&e))?;
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two certificates of one name look like one that signed itself, which OpenSSL refuses.
        of_authority.distinguished_name.push(DnType::CommonName, "Throw-away authority of a fake");
        of_authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(|e| fault(&e))?;
        let authority = CertifiedIssuer::self_signed(of_authority, key).map_err(|e| fault(&e))?;
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let own = KeyPair::generate().map_err(|e| fault(&e))?;
        let mut of_server = CertificateParams::new(names).map_err(|e| fault(&e))?;
        of_server.distinguished_name.push(DnType::CommonName, "A fake");
        of_server.use_authority_key_identifier_extension = true;
        of_server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = of_server.signed_by(&own, &authority).map_err(|e| fault(&e))?;
        let key = PrivateKeyDer::try_from(own.serialize_der()).map_err(|e| fault(&e))?;
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| fault(&e))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(|e| fault(&e))?;
        Ok(Self { authority: authority.pem(), server })
    }

    /// Writes the authority's certificate to `path`.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, &self.authority)
            .map_err(|e| InternalError::new(format!("writing {}: {e}", path.display())))?)
    }
}
