//! Stands in for makecert.exe: self-signed test certificates into a store.
//!
//! Grammar: Microsoft Learn, "MakeCert" (win32/seccrypto/makecert, windows-hardware/drivers/devtest/
//! makecert). Switches begin with `-` or `/`; dates are mm/dd/yyyy; `-eku` takes comma-separated
//! object identifiers; what is not documented is refused. Defaults are its own: SHA-1, 1024 bits, no
//! extended key usage, valid from now to the end of 2039, user's store. Only `-r` is covered, no
//! issuers. Says "Succeeded" or "Error: …" and "Failed"; a failure's exit code is not documented,
//! only that it is not 0: here 1.

mod values;

use standins::certificate::{iso, now};
use standins::handover::collect;
use standins::path::to_unix;
use standins::{record, store};
use values::{date, subject};

const WITH_VALUE: &[&str] = &["n", "ss", "sr", "a", "b", "e", "m", "eku", "len"];
const PLAIN: &[&str] = &["r", "pe"];
/// Documented, and the stand-in does nothing with them.
const NOT_COVERED: &[&str] = &[
    "crl", "d", "i", "ic", "ik", "iky", "in", "ip", "ir", "is", "iv", "iy", "l", "nscp", "sc",
    "sq", "tbs", "sk", "sv", "h", "$", "#", "cy", "sky", "sp", "sy",
];

fn failed(text: &str) -> ! {
    println!("Error: {text}\nFailed");
    std::process::exit(1)
}

fn compact(iso: &str) -> String {
    iso.chars()
        .filter(|character| character.is_ascii_digit())
        .chain(['Z'])
        .collect()
}

fn main() {
    let args = record::call("makecert");
    let mut switches = std::collections::BTreeMap::new();
    let mut output = None;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let Some(name) = arg.strip_prefix(['-', '/']).map(str::to_lowercase) else {
            if output.replace(arg.clone()).is_some() {
                failed("Too many parameters");
            }
            continue;
        };
        if NOT_COVERED.contains(&name.as_str()) {
            failed(&format!("stand-in: makecert's -{name} is not covered"));
        }
        let value = if WITH_VALUE.contains(&name.as_str()) {
            rest.next()
                .unwrap_or_else(|| failed(&format!("Missing value for {arg}")))
                .clone()
        } else if PLAIN.contains(&name.as_str()) {
            String::new()
        } else {
            failed(&format!("Unknown option: {arg}"))
        };
        if switches.insert(name, value).is_some() {
            failed(&format!("Option given twice: {arg}"));
        }
    }
    let get = |name: &str| switches.get(name).map(String::as_str);
    if !switches.contains_key("r") {
        failed("stand-in: only self-signed certificates (-r) are covered");
    }
    let machine = match get("sr").map(str::to_lowercase).as_deref() {
        None | Some("currentuser") => false,
        Some("localmachine") => true,
        Some(other) => failed(&format!("Unknown store location: {other}")),
    };
    let digest = get("a").unwrap_or("sha1").to_lowercase();
    if !["md5", "sha1", "sha256", "sha384", "sha512"].contains(&digest.as_str()) {
        failed(&format!("Unknown algorithm: {digest}"));
    }
    let bits = get("len").unwrap_or("1024");
    if bits.parse::<u32>().is_err() {
        failed(&format!("Invalid key length: {bits}"));
    }
    if get("e").is_some() && get("m").is_some() {
        failed("-e and -m exclude each other");
    }
    let begin = get("b").map_or_else(|| compact(&now()), date);
    let end = match (get("e"), get("m")) {
        (Some(day), _) => date(day),
        (_, Some(months)) => {
            let months: i64 = months
                .parse()
                .unwrap_or_else(|_| failed("Invalid number of months"));
            let seconds = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs() as i64;
            compact(&iso(seconds + months * 2_629_746))
        }
        _ => "20391231235959Z".to_owned(),
    };
    let mut extensions = String::new();
    if let Some(usages) = get("eku") {
        if !usages
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
        {
            failed(&format!("Invalid object identifier: {usages}"));
        }
        extensions = format!("extendedKeyUsage = {usages}\n");
    }
    let folder = std::env::temp_dir().join(format!("makecert-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (config, key, request, certificate) = (
        folder.join("config"),
        folder.join("key"),
        folder.join("request"),
        folder.join("certificate"),
    );
    let written = format!(
        "[req]\ndistinguished_name = n\nstring_mask = utf8only\n[n]\n[ca]\ndefault_ca = c\n[c]\ndatabase = {0}/index\nserial = {0}/serial\nnew_certs_dir = {0}\n\
         unique_subject = no\npolicy = p\nx509_extensions = x\n[p]\ncommonName = optional\norganizationName = optional\n\
         organizationalUnitName = optional\ncountryName = optional\nlocalityName = optional\nstateOrProvinceName = optional\n\
         emailAddress = optional\ndomainComponent = optional\n[x]\n{1}",
        to_unix(&folder), extensions
    );
    std::fs::write(&config, written).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    let (config, key, request) = (to_unix(&config), to_unix(&key), to_unix(&request));
    let made = collect(
        "openssl",
        &[
            "req",
            "-new",
            "-config",
            &config,
            "-utf8",
            "-subj",
            &subject(get("n").unwrap_or("CN=Joe's-Software-Emporium")),
            "-newkey",
            &format!("rsa:{bits}"),
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
        ],
    );
    let signed = if made.code == 0 {
        let certificate = to_unix(&certificate);
        let words = [
            "ca",
            "-batch",
            "-config",
            &config,
            "-utf8",
            "-selfsign",
            "-keyfile",
            &key,
            "-in",
            &request,
            "-out",
            &certificate,
            "-md",
            &digest,
            "-startdate",
            &begin,
            "-enddate",
            &end,
            "-notext",
            "-preserveDN",
            "-rand_serial",
        ];
        let said = collect("openssl", &words);
        if said.code != 0 {
            eprintln!("{}", said.said());
        }
        said.code == 0
    } else {
        eprintln!("{}", made.said());
        false
    };
    if !signed {
        let _ = std::fs::remove_dir_all(&folder);
        failed("Can't create the certificate");
    }
    let public = std::fs::read_to_string(&certificate).unwrap();
    let private = std::fs::read_to_string(folder.join("key")).unwrap();
    if let Some(output) = &output {
        let der = folder.join("der");
        collect(
            "openssl",
            &[
                "x509",
                "-in",
                &to_unix(&certificate),
                "-outform",
                "DER",
                "-out",
                &to_unix(&der),
            ],
        );
        if let Err(error) = std::fs::read(der).and_then(|bytes| std::fs::write(output, bytes)) {
            let _ = std::fs::remove_dir_all(&folder);
            failed(&format!(
                "Save encoded certificate to file failed => {error}"
            ));
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    if let Some(name) = get("ss") {
        let exportable = if switches.contains_key("pe") {
            "exportable: yes\n"
        } else {
            "exportable: no\n"
        };
        if store::add(machine, name, &format!("{exportable}{private}{public}")).is_none() {
            failed("Save encoded certificate to store failed");
        }
    } else if output.is_none() {
        failed("Please either specify the outputCertificateFile or -ss option");
    }
    println!("Succeeded");
}
