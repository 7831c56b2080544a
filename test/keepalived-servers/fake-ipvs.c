/*
 * IP Virtual Server in place of the kernel's, for a keepalived that finds this in LD_PRELOAD: it takes what it is told, and notes the servers of
 * each service in the file $IPVS_LOG. libipvs of keepalived 2.2.7 asks by these socket options where there is no netlink family of IPVS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const struct ip_vs_service_user *service) {
  const struct ip_vs_dest_user *server = (const void *)(service + 1);
  char line[100];
  int length = snprintf(line, sizeof line, "%s %d %d %d\n", what, ntohs(service->port), ntohs(server->port), server->weight);
  int file = open(getenv("IPVS_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0644);
  if (write(file, line, length) < 0) abort();
  close(file);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
  static int (*real)(int, int, int, void *, socklen_t *);
  if (!real) real = dlsym(RTLD_NEXT, "getsockopt");
  if (level != IPPROTO_IP || name < IP_VS_BASE_CTL || name > IP_VS_SO_GET_MAX) return real(fd, level, name, value, length);
  if (name != IP_VS_SO_GET_INFO && name != IP_VS_SO_GET_TIMEOUT) {
    errno = ESRCH;
    return -1;
  }
  memset(value, 0, *length);
  if (name == IP_VS_SO_GET_INFO) ((struct ip_vs_getinfo *)value)->version = 0x010201;
  return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  static int (*real)(int, int, int, const void *, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "setsockopt");
  if (level != IPPROTO_IP || name < IP_VS_BASE_CTL || name > IP_VS_SO_SET_MAX) return real(fd, level, name, value, length);
  if (name == IP_VS_SO_SET_ADDDEST || name == IP_VS_SO_SET_EDITDEST) note("has", value);
  if (name == IP_VS_SO_SET_DELDEST) note("lacks", value);
  return 0;
}
