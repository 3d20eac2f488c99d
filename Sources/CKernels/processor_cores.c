#define _GNU_SOURCE
#include "primer_pool.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__linux__)
/// The lowest logical processor that shares a core with `processor`.
static int first_sibling(int processor) {
  char path[96];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", processor);
  FILE *file = fopen(path, "r");
  if (!file) return processor;
  int first = processor;
  if (fscanf(file, "%d", &first) != 1) first = processor;
  fclose(file);
  return first;
}

/// The processors that the control group's time quota amounts to, rounded up; `otherwise` without a quota.
static int quota(int otherwise) {
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
  if (!file) return otherwise;
  long long allowed = 0, period = 0;
  int read = fscanf(file, "%lld %lld", &allowed, &period);
  fclose(file);
  if (read != 2 || allowed <= 0 || period <= 0) return otherwise;
  long long processors = (allowed + period - 1) / period;
  return processors < otherwise ? (int)processors : otherwise;
}
#endif

int primer_physical_cores(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (!sched_getaffinity(0, sizeof allowed, &allowed)) {
    bool counted[CPU_SETSIZE] = {false};
    int cores = 0;
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
      if (!CPU_ISSET(processor, &allowed)) continue;
      int core = first_sibling(processor);
      if (core < 0 || core >= CPU_SETSIZE || counted[core]) continue;
      counted[core] = true;
      cores++;
    }
    if (cores > 0) return quota(cores);
  }
#elif defined(__APPLE__)
  int cores = 0;
  size_t size = sizeof cores;
  if (!sysctlbyname("hw.perflevel0.physicalcpu", &cores, &size, NULL, 0) && cores > 0) return cores;
  if (!sysctlbyname("hw.physicalcpu", &cores, &size, NULL, 0) && cores > 0) return cores;
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}
