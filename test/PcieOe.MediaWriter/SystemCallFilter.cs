using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PcieOe.MediaWriter;

/// <summary>Denies io_uring to this thread and those it starts from now on, as container runtimes do (seccomp, linux/seccomp.h and linux/filter.h).</summary>
internal static unsafe partial class SystemCallFilter
{
    private const int SetNoNewPrivileges = 38;
    private const int SetSeccomp = 22;
    private const int FilterMode = 2;
    private const uint IoUringSetup = 425;
    private const uint AnswerNotPermitted = 0x0005_0001;
    private const uint Allow = 0x7FFF_0000;

    private const ushort LoadWord = 0x20;
    private const ushort JumpIfEqual = 0x15;
    private const ushort Return = 0x06;

    public static void DenyIoUring()
    {
        Instruction* program = stackalloc Instruction[]
        {
            new Instruction { Code = LoadWord, Operand = 0 },
            new Instruction { Code = JumpIfEqual, Operand = IoUringSetup, SkipIfFalse = 1 },
            new Instruction { Code = Return, Operand = AnswerNotPermitted },
            new Instruction { Code = Return, Operand = Allow },
        };
        var filter = new Filter { Length = 4, Program = program };
        if (Control(SetNoNewPrivileges, 1, null, 0, 0) != 0 || Control(SetSeccomp, FilterMode, &filter, 0, 0) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nint second, void* third, nint fourth, nint fifth);

    [StructLayout(LayoutKind.Sequential)]
    private struct Instruction
    {
        public ushort Code;
        public byte SkipIfTrue;
        public byte SkipIfFalse;
        public uint Operand;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Filter
    {
        public ushort Length;
        public Instruction* Program;
    }
}
