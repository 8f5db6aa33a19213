"""Whether a contract's tests prove anything: stubs made into bodies that give back nothing, and the tests run on them."""
