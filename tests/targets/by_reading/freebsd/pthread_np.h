#pragma once
extern "C" int pthread_getthreadid_np();
