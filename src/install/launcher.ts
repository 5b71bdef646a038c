/**
 * What LocalStack copies into each container in place of init: a program of a few hundred bytes that becomes the real one,
 * which is mounted. A shell script would lose or add variables of the function (dash drops names a shell cannot have, bash
 * adds `SHLVL`), and needs a shell in the image.
 */

/** As LocalStack names it, in its directories and in our releases. */
export type Architecture = "x86_64" | "arm64";

/** `e_machine` of an ELF header. */
const machines: Readonly<Record<Architecture, number>> = { x86_64: 62, arm64: 183 };

/** Status of shells for a command that was not found. */
export const notStartedStatus = 127;

/**
 * Calls `execve` with each path that stands behind the code, with the arguments and variables the kernel has laid on the
 * stack. It returns only where it has failed, for whatever reason. Then the message goes to stderr.
 */
const code: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: [
    "488b0424", //         mov rax, [rsp]                how many arguments
    "4c8d6c2408", //       lea r13, [rsp+8]              the arguments
    "4d8d74c508", //       lea r14, [r13+rax*8+8]        the variables
    "488d3d3c000000", //   lea rdi, [rip+60]             the first path
    "803f00", //     next: cmp byte [rdi], 0
    "7418", //             je fail                       an empty path is the end
    "4c89ee", //           mov rsi, r13
    "4c89f2", //           mov rdx, r14
    "b83b000000", //       mov eax, 59                   execve
    "0f05", //             syscall
    "48ffc7", //     skip: inc rdi
    "807fff00", //         cmp byte [rdi-1], 0
    "75f7", //             jne skip
    "ebe3", //             jmp next
    "8b5701", //     fail: mov edx, [rdi+1]              the length of the message
    "488d7705", //         lea rsi, [rdi+5]
    "bf02000000", //       mov edi, 2
    "b801000000", //       mov eax, 1                    write
    "0f05", //             syscall
    "bf7f000000", //       mov edi, 127
    "b8e7000000", //       mov eax, 231                  exit_group
    "0f05", //             syscall
  ],
  arm64: [
    "e90340f9", //         ldr x9, [sp]                  how many arguments
    "ea230091", //         add x10, sp, 8                the arguments
    "4b0d098b", //         add x11, x10, x9, lsl 3
    "6b210091", //         add x11, x11, 8               the variables
    "6c020010", //         adr x12, pc+76                the first path
    "89014039", //   next: ldrb w9, [x12]
    "29010034", //         cbz w9, fail                  an empty path is the end
    "e0030caa", //         mov x0, x12
    "e1030aaa", //         mov x1, x10
    "e2030baa", //         mov x2, x11
    "a81b80d2", //         mov x8, 221                   execve
    "010000d4", //         svc 0
    "89154038", //   skip: ldrb w9, [x12], 1
    "e9ffff35", //         cbnz w9, skip
    "f7ffff17", //         b next
    "821140b8", //   fail: ldur w2, [x12, 1]             the length of the message
    "81150091", //         add x1, x12, 5
    "400080d2", //         mov x0, 2
    "080880d2", //         mov x8, 64                    write
    "010000d4", //         svc 0
    "e00f80d2", //         mov x0, 127
    "c80b80d2", //         mov x8, 94                    exit_group
    "010000d4", //         svc 0
  ],
};

/** Where the kernel puts the program, and what its pages are at most: 64 KiB, on some arm64 machines. */
const address = 0x40_0000;
const pageSize = 0x1_0000;
const fileHeaderSize = 64;
const segmentHeaderSize = 56;

/**
 * Makes the program. Which of several paths fits is found by trying: the kernel refuses a program of another architecture,
 * and one whose loader, and so whose libc, is not in the image.
 * @param paths what it becomes: the first one that can be started
 * @param message what it says, on stderr, where none can
 */
export function makeLauncher(architecture: Architecture, paths: readonly string[], message: string): Buffer {
  const text = Buffer.from(`${message}\n`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const data = Buffer.concat([Buffer.from(`${paths.map((path) => `${path}\0`).join("")}\0`), length, text]);
  const instructions = Buffer.from(code[architecture].join(""), "hex");
  const headerSize = fileHeaderSize + 2 * segmentHeaderSize;
  const size = headerSize + instructions.length + data.length;
  return Buffer.concat([
    fileHeader(machines[architecture], address + headerSize),
    segmentHeader({ type: 1, flags: 5, at: address, size }), // PT_LOAD, readable and executable: the whole file
    segmentHeader({ type: 0x6474e551, flags: 6, at: 0, size: 0 }), // PT_GNU_STACK: the stack is not executable
    instructions,
    data,
  ]);
}

/** Of a 64-bit little-endian program for Linux that needs no loader. */
function fileHeader(machine: number, entry: number): Buffer {
  const header = Buffer.alloc(fileHeaderSize);
  header.write("\x7fELF\x02\x01\x01", "latin1");
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(machine, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(entry), 24);
  header.writeBigUInt64LE(BigInt(fileHeaderSize), 32); // where the headers of the segments are
  header.writeUInt16LE(fileHeaderSize, 52);
  header.writeUInt16LE(segmentHeaderSize, 54);
  header.writeUInt16LE(2, 56);
  return header;
}

function segmentHeader(segment: { type: number; flags: number; at: number; size: number }): Buffer {
  const header = Buffer.alloc(segmentHeaderSize);
  header.writeUInt32LE(segment.type, 0);
  header.writeUInt32LE(segment.flags, 4);
  header.writeBigUInt64LE(BigInt(segment.at), 16);
  header.writeBigUInt64LE(BigInt(segment.at), 24);
  header.writeBigUInt64LE(BigInt(segment.size), 32);
  header.writeBigUInt64LE(BigInt(segment.size), 40);
  header.writeBigUInt64LE(BigInt(pageSize), 48);
  return header;
}
