// SPDX-License-Identifier: GPL-3.0-or-later
// Holds nothing: its target has the precompiled headers of all tests.
