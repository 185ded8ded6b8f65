#pragma once
extern "C" int thr_kill(long id, int signal);
