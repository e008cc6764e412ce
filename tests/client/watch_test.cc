#include "control_plane.h"
