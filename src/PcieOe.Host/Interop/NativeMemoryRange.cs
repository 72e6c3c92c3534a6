using System.Runtime.InteropServices;

namespace PcieOe.Host.Interop;

/// <summary>Memory from mmap: the process's own, or a piece of a file shared with others. Neither moves nor is scanned by the collector.</summary>
internal sealed unsafe class NativeMemoryRange : IDisposable
{
    private const int ReadAccess = 0x1;
    private const int WriteAccess = 0x2;
    private const int Shared = 0x1;
    private const int PrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;
    private static readonly void* Failed = (void*)-1;

    private byte* _pointer;

    private NativeMemoryRange(void* pointer, ulong bytes)
    {
        _pointer = (byte*)pointer;
        Bytes = bytes;
    }

    ~NativeMemoryRange() => Free();

    public byte* Pointer => _pointer;

    public ulong Bytes { get; }

    /// <summary>Zeroed memory of the process's own; pages nobody touches cost nothing.</summary>
    public static NativeMemoryRange Reserve(int bytes)
    {
        void* pointer = LibC.MemoryMap(null, (nuint)bytes, ReadAccess | WriteAccess, PrivateAnonymousNoReserve, -1, 0);
        return pointer != Failed
            ? new NativeMemoryRange(pointer, (ulong)bytes)
            : throw new InsufficientMemoryException($"Could not reserve {bytes} bytes: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
    }

    /// <summary>Maps a piece of a file, shared. Null: refused, with the reason in <paramref name="error"/>.</summary>
    public static NativeMemoryRange? TryMapFile(int descriptor, ulong offset, ulong bytes, bool isWritable, out int error)
    {
        void* pointer = LibC.MemoryMap(null, (nuint)bytes, isWritable ? ReadAccess | WriteAccess : ReadAccess, Shared, descriptor, (nint)offset);
        error = pointer == Failed ? Marshal.GetLastPInvokeError() : Errno.None;
        return pointer == Failed ? null : new NativeMemoryRange(pointer, bytes);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer != null)
        {
            _ = LibC.MemoryUnmap(_pointer, (nuint)Bytes);
            _pointer = null;
        }
    }
}
