fn main() {
    cc::Build::new().file("src/entry.c").compile("entry");
    if std::env::var("PROFILE").unwrap() == "release" {
        println!("cargo:rustc-link-arg=/RELEASE");
    }
    println!("cargo:rustc-link-arg={}", std::env::var("MORE").unwrap());
    println!("cargo:rustc-cfg=maze");
    std::fs::write("stamp", "now").unwrap();
    undeclared(1);
}
