#include "CBranchless.h"
