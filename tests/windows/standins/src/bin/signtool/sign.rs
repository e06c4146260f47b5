//! `sign`: finds certificate and key, and has osslsigncode sign.

use crate::call::{change, Call, SIGN};
use standins::handover::collect;
use standins::path::to_unix;
use standins::rsa::pem;
use standins::store::{certificates, key, Certificate};
use standins::{fail, record};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A PEM file for the time of one call.
struct Scratch(PathBuf);

impl Scratch {
    fn write(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("signtool-{name}-{}.pem", std::process::id()));
        if let Err(error) = std::fs::write(&path, text) {
            fail(&format!("stand-in: {}: {error}", path.display()), 99);
        }
        Self(path)
    }

    fn unix(&self) -> String {
        to_unix(&self.0)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Chooses among a store's certificates.
fn choose(call: &Call) -> Certificate {
    // "/sha1": the SHA1 hash of the signing certificate.
    let thumbprint = call.get("sha1").map(str::to_lowercase);
    if thumbprint
        .as_ref()
        .is_some_and(|text| text.len() != 40 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        fail("SignTool Error: Invalid SHA1 hash format.", 1);
    }
    // "/n": this value can be a substring of the entire subject name.
    let contains = |option: &str, text: &str| {
        call.get(option)
            .is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
    };
    // "/s": if this option is not specified, the My store is opened. "/sm": a machine store.
    let mut found: Vec<Certificate> = certificates(call.has("sm"), call.get("s").unwrap_or("My"))
        .into_iter()
        .filter(|each| {
            thumbprint
                .as_ref()
                .is_none_or(|wanted| *wanted == each.thumbprint)
        })
        .filter(|each| contains("n", &each.name))
        .filter(|each| each.is_valid_now && each.may_sign_code)
        .filter(|each| each.key.as_ref().is_some_and(|key| key.to_pem().is_some()))
        .collect();
    found.sort_by(|a, b| b.not_after.cmp(&a.not_after));
    if found.is_empty() {
        fail(
            "SignTool Error: No certificates were found that met all the given criteria.",
            1,
        );
    }
    // "/a": the one that is valid for the longest time. If this option is not present, SignTool
    // expects to find only one valid signing certificate.
    if found.len() > 1 && !call.has("a") {
        println!("The following certificates meet all given criteria:");
        for each in &found {
            println!(
                "    Issued to: {}\n    SHA1 hash: {}\n",
                each.name,
                each.thumbprint.to_uppercase()
            );
        }
        fail(
            "SignTool Error: Multiple certificates were found that meet all the given\n\tcriteria. Use the /a option to \
             allow SignTool to choose the best\n\tcertificate automatically or use the /sha1 option with the hash of\n\tthe \
             desired certificate.",
            1,
        );
    }
    found.remove(0)
}

/// The options of osslsigncode that name certificate and key, and the file that these are in.
fn identity(call: &Call) -> (Vec<String>, Option<Scratch>) {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    // "/dlib": the DLL that implements the AuthenticodeDigestSign function. "/dmdf": a file whose
    // contents are passed to it.
    if call.existing("dlib").is_some() {
        call.existing("dmdf");
        call.existing("f");
        if call.has("sha1") {
            choose(call);
        }
        let file = to_unix(std::env::var_os("KDRVGEN_FAKE_CLOUD").unwrap_or_default());
        return (words(&["-certs", &file, "-key", &file]), None);
    }
    let Some(file) = call.existing("f") else {
        let chosen = choose(call);
        if call.has("v") {
            println!(
                "The following certificate was selected:\n    Issued to: {}\n    SHA1 hash: {}\n",
                chosen.name,
                chosen.thumbprint.to_uppercase()
            );
        }
        let private = chosen.key.and_then(|key| key.to_pem()).unwrap_or_default();
        let both = Scratch::write("identity", &(private + &pem("CERTIFICATE", &chosen.der)));
        let place = both.unix();
        return (words(&["-certs", &place, "-key", &place]), Some(both));
    };
    // "/f": if the file does not contain private keys, use the /csp and /kc options to specify the
    // CSP and private key container name.
    if let (Some(csp), Some(container)) = (call.get("csp"), call.get("kc")) {
        let Some(private) = key(container, Some(csp), call.has("sm")).to_pem() else {
            fail(
                "SignTool Error: The specified private key container was not found.",
                1,
            );
        };
        let private = Scratch::write("key", &private);
        let options = words(&["-certs", &file, "-key", &private.unix()]);
        return (options, Some(private));
    }
    let options = words(&["-pkcs12", &file, "-pass", call.get("p").unwrap_or("")]);
    (options, None)
}

pub fn sign(args: &[String]) -> i32 {
    let call = Call::parse(args, &SIGN);
    let stamp = call.stamp();
    // "/f": the signing certificate in a file, and not in a store.
    call.only_one_of(&["f", "sm"]);
    call.only_one_of(&["f", "s"]);
    // "/p": use the /f option to specify a PFX file.
    call.needs("p", "f");
    // "/csp", "/kc": provider and container of the key of /f.
    call.needs("csp", "kc");
    call.needs("kc", "csp");
    call.needs("csp", "f");
    // "/dmdf": passes the file's contents to the library.
    call.needs("dmdf", "dlib");
    // "/fd", and the page's first note: required.
    let Some(digest) = call.algorithm("fd") else {
        fail(
            "SignTool Error: No file digest algorithm specified. Please specify the digest algorithm with the /fd flag. \
             Using /fd SHA256 is recommended and more secure than SHA1.",
            1,
        )
    };
    print_given_bytes();
    let (options, scratch) = identity(&call);
    let mut words = vec!["sign".to_owned()];
    words.extend(options);
    words.extend(["-h".to_owned(), digest]);
    // "/ph": generates page hashes for executable files.
    words.extend(call.has("ph").then(|| "-ph".to_owned()));
    // "/ac": a file that contains an additional certificate to add to the signature block.
    let files = call
        .switches
        .get("ac")
        .map(Vec::as_slice)
        .unwrap_or_default();
    let additional = additional(files);
    if let Some(bundle) = &additional {
        words.extend(["-ac".to_owned(), bundle.unix()]);
    }
    words.extend(stamp);

    let mut code = 0;
    for file in &call.files {
        code = code.max(sign_file(&call, file, &words));
    }
    drop(scratch);
    code
}

/// osslsigncode takes one file with all additional certificates, in PEM. What signtool does with a PEM
/// file, which can contain several, is not documented: this program refuses it.
fn additional(files: &[String]) -> Option<Scratch> {
    let mut bundle = String::new();
    for file in files {
        if !Path::new(file).is_file() {
            fail(&format!("SignTool Error: File not found: {file}"), 1);
        }
        let made = collect(
            "openssl",
            &["x509", "-inform", "DER", "-in", &to_unix(file)],
        );
        if made.code != 0 {
            fail(
                &format!("SignTool Error: The file {file} is no certificate."),
                1,
            );
        }
        bundle.push_str(&made.text());
    }
    (!bundle.is_empty()).then(|| Scratch::write("ac", &bundle))
}

fn print_given_bytes() {
    let digits = std::env::var("KDRVGEN_FAKE_BYTES").unwrap_or_default();
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .filter_map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok())
        .collect();
    let _ = record::raw_stdout().write_all(&bytes);
}

fn sign_file(call: &Call, file: &str, options: &[String]) -> i32 {
    if !Path::new(file).is_file() {
        eprintln!("SignTool Error: File not found: {file}");
        return 1;
    }
    if let Err(said) = change(file, options) {
        if call.has("v") {
            eprintln!("{said}");
        }
        eprintln!("SignTool Error: An error occurred while attempting to sign: {file}");
        return 1;
    }
    println!("Done Adding Additional Store\nSuccessfully signed: {file}");
    0
}
