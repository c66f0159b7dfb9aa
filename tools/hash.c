int command_hash(int argc, char **argv);
int command_hash(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return 1;
}
int command_generate(int argc, char **argv);
int command_generate(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return 1;
}
