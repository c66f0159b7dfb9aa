#include <kvstrata.hpp>
extern int cpp_alone;
int cpp_alone;
