// SPDX-License-Identifier: GPL-3.0-or-later
// orrery-core consists of the rooms linked in whole by core/CMakeLists.txt; a library needs one source of its
// own.
