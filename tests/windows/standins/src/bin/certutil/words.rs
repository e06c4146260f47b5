//! The labels of certutil's output, which are translated.

pub struct Words {
    pub certificate: &'static str,
    pub serial: &'static str,
    pub issuer: &'static str,
    pub not_before: &'static str,
    pub not_after: &'static str,
    pub subject: &'static str,
    pub hash: &'static str,
    pub done: &'static str,
    pub failed: &'static str,
    pub no_key: &'static str,
}

const ENGLISH: Words = Words {
    certificate: "Certificate",
    serial: "Serial Number",
    issuer: "Issuer",
    not_before: "NotBefore",
    not_after: "NotAfter",
    subject: "Subject",
    hash: "Cert Hash(sha1)",
    done: "command completed successfully.",
    failed: "command FAILED:",
    no_key: "No key provider information",
};
const GERMAN: Words = Words {
    certificate: "Zertifikat",
    serial: "Seriennummer",
    issuer: "Aussteller",
    not_before: "Nicht vor",
    not_after: "Nicht nach",
    subject: "Antragsteller",
    hash: "Zertifikathash(sha1)",
    done: "-Befehl wurde erfolgreich ausgeführt.",
    failed: "-Befehl ist fehlgeschlagen:",
    no_key: "Keine Schlüsselanbieterinformationen",
};

pub fn words() -> &'static Words {
    if std::env::var("KDRVGEN_FAKE_LANGUAGE").is_ok_and(|language| language == "de") {
        &GERMAN
    } else {
        &ENGLISH
    }
}
