fn main() {
    kernel_helper::link_a_driver().expect("a kit");
}
