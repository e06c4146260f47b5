fn main() {
    let more = ["/MAP", "/INTEGRITYCHECK"];
    for argument in &more {
        println!("cargo::rustc-link-arg-cdylib={argument}");
    }
    println!("cargo:rustc-link-search=native=D:\\Kits\\Windows Kits\\10\\Lib\\10.0.22621.0\\km\\x64");
    println!("cargo:rustc-link-lib=ntoskrnl");
    println!("cargo:rerun-if-changed=build.rs");
}
