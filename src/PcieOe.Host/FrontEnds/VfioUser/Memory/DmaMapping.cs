using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>
/// One DMA_MAP of a client, reached in one of three ways. Mapped, if the file cannot be cut short under the agent: touching what is no
/// longer there would end the process (SIGBUS), and that a seal against shrinking rules out. By system calls otherwise. By message, if
/// there is no file. Belongs to the socket's thread, and outlives the range of the DMA window that points to it.
/// </summary>
internal sealed class DmaMapping : IDisposable
{
    private const ulong PageMask = 4095;

    private readonly NativeMemoryRange? _memory;
    private readonly SafeFileHandle? _file;
    private GCHandle _client;

    private DmaMapping(in DmaMapMessage message, NativeMemoryRange? memory, SafeFileHandle? file, IDmaMemory? client)
    {
        Address = message.Address;
        Length = message.Length;
        Access = ToAccess(message.Flags);
        _memory = memory;
        _file = file;
        if (client is not null)
        {
            _client = GCHandle.Alloc(client);
        }
    }

    public ulong Address { get; }

    public ulong Length { get; }

    public DmaAccess Access { get; }

    /// <summary>Where it lies; 0 if it is reached through <see cref="Client"/>.</summary>
    public nint Memory { get; private init; }

    /// <summary>A GCHandle of the IDmaMemory; 0 if it is mapped.</summary>
    public nint Client => _client.IsAllocated ? GCHandle.ToIntPtr(_client) : 0;

    /// <summary>Keeps a descriptor open.</summary>
    public bool HasFile => _file is not null;

    /// <summary>Memory without a file: the client is asked for it.</summary>
    public static DmaMapping ByMessage(in DmaMapMessage message, IDmaMemory client) => new(message, null, null, client);

    /// <summary>Memory in a file. Null: refused, with the error to answer and the reason to log.</summary>
    /// <param name="descriptors">The mapping takes what it needs of the one descriptor there.</param>
    public static DmaMapping? TryFromFile(in DmaMapMessage message, ReceivedDescriptors descriptors, IRemoteFunction function, bool trustsUnsealed, out int error, out string reason)
    {
        error = Errno.InvalidArgument;
        reason = string.Empty;
        if (!ClientFile.TryExamine(descriptors[0], out ClientFile file) || !file.IsRegularFile)
        {
            reason = "its descriptor is not a file's";
            return null;
        }

        if (message.FileOffset > file.SizeBytes || message.Length > file.SizeBytes - message.FileOffset)
        {
            reason = "its file is shorter than what it maps";
            return null;
        }

        if (file.CannotShrink || trustsUnsealed)
        {
            return TryMap(message, descriptors[0], out error, out reason);
        }

        if (!file.IsMemory)
        {
            reason = "its file is neither in memory nor sealed against shrinking, and trustUnsealedMemory is not set";
            return null;
        }

        if (file.IsHugePages)
        {
            reason = "its file is of huge pages and not sealed against shrinking: set trustUnsealedMemory if its owner is trusted";
            return null;
        }

        error = Errno.None;
        var handle = new SafeFileHandle(descriptors.Take(0), ownsHandle: true);
        return new DmaMapping(message, null, handle, new FileDmaMemory(function, handle, message.Address, message.FileOffset));
    }

    public void Dispose()
    {
        _memory?.Dispose();
        if (_client.IsAllocated)
        {
            _client.Free();
        }

        _file?.Dispose();
    }

    private static unsafe DmaMapping? TryMap(in DmaMapMessage message, int descriptor, out int error, out string reason)
    {
        // mmap wants the start of a page; the window knows nothing of pages.
        ulong skipped = message.FileOffset & PageMask;
        bool isWritable = (ToAccess(message.Flags) & DmaAccess.Write) != 0;
        NativeMemoryRange? memory = NativeMemoryRange.TryMapFile(descriptor, message.FileOffset - skipped, message.Length + skipped, isWritable, out error);
        reason = memory is null ? Errno.Describe(error) : string.Empty;
        return memory is null ? null : new DmaMapping(message, memory, null, null) { Memory = (nint)(memory.Pointer + skipped) };
    }

    private static DmaAccess ToAccess(uint flags) =>
        ((flags & DmaMapMessage.ReadableFlag) != 0 ? DmaAccess.Read : 0) | ((flags & DmaMapMessage.WritableFlag) != 0 ? DmaAccess.Write : 0);
}
