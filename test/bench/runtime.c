/*
 * The lightest Lambda runtime: one kept connection to the Runtime API, every event echoed as the response.
 *
 * An event {"logs":N} makes it write N bytes of log lines to stdout first. With BENCH_RUNTIME_FAILS in its environment it
 * exits with 1 before its first poll: at once ("exit"), or behind an error of init that it reports ("error").
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const char API[] = "/2018-06-01/runtime/invocation";
static const char FAILURE[] = "{\"errorMessage\":\"no module\",\"errorType\":\"Bench.Failed\",\"stackTrace\":[]}";

static int sock;
static char in[64 * 1024]; /* received, not yet consumed: in[in_at..in_end] */
static size_t in_at, in_end;

static void die(const char *what) { perror(what), exit(70); }

static void connect_to(const char *address) {
  char host[64] = "";
  int port = 0, on = 1;
  if (sscanf(address, "%63[^:]:%d", host, &port) != 2) die("AWS_LAMBDA_RUNTIME_API");
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) die("inet_pton");
  sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(sock, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
}

static void send_all(struct iovec *parts, int count) {
  while (count > 0) {
    ssize_t sent = writev(sock, parts, count);
    if (sent < 0) die("writev");
    for (; count > 0 && (size_t)sent >= parts->iov_len; parts++, count--) sent -= parts->iov_len;
    if (count > 0) parts->iov_base = (char *)parts->iov_base + sent, parts->iov_len -= sent;
  }
}

static void receive(void) {
  ssize_t got = read(sock, in, sizeof in);
  if (got <= 0) exit(0); /* Init closed the connection: the end. */
  in_at = 0, in_end = got;
}

static void read_line(char *line, size_t size) {
  for (size_t length = 0;;) {
    if (in_at == in_end) receive();
    char c = in[in_at++];
    if (c == '\n') {
      line[length] = 0;
      return;
    }
    if (c != '\r' && length + 1 < size) line[length++] = c;
  }
}

struct bytes {
  char *at;
  size_t length, capacity;
};

static void read_bytes(struct bytes *to, size_t count) {
  if (to->length + count + 1 > to->capacity) {
    to->capacity = to->length + count + 1;
    to->at = realloc(to->at, to->capacity);
    if (!to->at) die("realloc");
  }
  while (count > 0) {
    if (in_at == in_end && count >= sizeof in) { /* Large: past the buffer, no copy. */
      ssize_t got = read(sock, to->at + to->length, count);
      if (got <= 0) exit(0);
      to->length += got, count -= got;
      continue;
    }
    if (in_at == in_end) receive();
    size_t take = in_end - in_at < count ? in_end - in_at : count;
    memcpy(to->at + to->length, in + in_at, take);
    in_at += take, to->length += take, count -= take;
  }
  to->at[to->length] = 0;
}

/* Reads a whole answer: the body into `body`, the request id (if any) into `id`. */
static void read_answer(struct bytes *body, char *id, size_t id_size) {
  char line[8192];
  size_t length = 0;
  int is_chunked = 0;
  body->length = 0;
  for (;;) {
    read_line(line, sizeof line);
    if (line[0] == 0) break;
    char *value = strchr(line, ':');
    if (!value) continue;
    *value++ = 0;
    value += strspn(value, " ");
    if (!strcasecmp(line, "content-length")) length = strtoul(value, NULL, 10);
    if (!strcasecmp(line, "transfer-encoding")) is_chunked = !strcasecmp(value, "chunked");
    if (!strcasecmp(line, "lambda-runtime-aws-request-id")) snprintf(id, id_size, "%s", value);
  }
  if (!is_chunked) read_bytes(body, length);
  while (is_chunked) {
    read_line(line, sizeof line);
    size_t chunk = strtoul(line, NULL, 16);
    read_bytes(body, chunk);
    read_line(line, sizeof line); /* The line end behind a chunk, or the end of the (empty) trailer. */
    if (chunk == 0) break;
  }
}

static void write_logs(long count) {
  static const char line[] = "2026-01-01T00:00:00.000Z INFO one line of a function that talks a lot ............\n";
  char block[sizeof line * 64];
  for (size_t i = 0; i < 64; i++) memcpy(block + i * (sizeof line - 1), line, sizeof line - 1);
  long block_size = 64 * (sizeof line - 1);
  while (count > 0) {
    ssize_t wrote = write(STDOUT_FILENO, block, count < block_size ? count : block_size);
    if (wrote < 0) die("write");
    count -= wrote;
  }
}

int main(void) {
  const char *fails = getenv("BENCH_RUNTIME_FAILS"), *address = getenv("AWS_LAMBDA_RUNTIME_API");
  if (fails && !strcmp(fails, "exit")) return 1;
  if (!address) die("AWS_LAMBDA_RUNTIME_API is not set");
  connect_to(address);
  struct bytes event = {0}, ignored = {0};
  char head[8192], id[256] = "", none[256];
  if (fails) {
    int size = snprintf(head, sizeof head,
                        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench/1\r\n"
                        "Lambda-Runtime-Function-Error-Type: Bench.Failed\r\n"
                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                        address, strlen(FAILURE), FAILURE);
    send_all(&(struct iovec){head, size}, 1);
    read_answer(&ignored, none, sizeof none);
    return 1;
  }
  for (;;) {
    int size = snprintf(head, sizeof head, "GET %s/next HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench/1\r\n\r\n", API, address);
    send_all(&(struct iovec){head, size}, 1);
    read_answer(&event, id, sizeof id);
    if (event.length > 8 && !memcmp(event.at, "{\"logs\":", 8)) write_logs(atol(event.at + 8));
    size = snprintf(head, sizeof head,
                    "POST %s/%s/response HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench/1\r\n"
                    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                    API, id, address, event.length);
    struct iovec parts[] = {{head, size}, {event.at, event.length}};
    send_all(parts, 2);
    read_answer(&ignored, none, sizeof none);
  }
}
