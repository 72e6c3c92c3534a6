using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>
/// Client memory in a file of a memory file system that the client could cut short: touched by system calls, which then fail, instead of
/// being mapped, where the process would die of it. Such calls do not block: there is no disk behind these files.
/// </summary>
internal sealed unsafe class FileDmaMemory(IRemoteFunction function, SafeFileHandle file, ulong address, ulong fileOffset) : IDmaMemory
{
    private readonly int _descriptor = (int)file.DangerousGetHandle();

    public bool TryStartRead(ulong at, int length, DmaReadTicket ticket, long now)
    {
        byte* buffer = stackalloc byte[IRemoteFunction.MaximumRegionAccessBytes];
        bool succeeded = length <= IRemoteFunction.MaximumRegionAccessBytes && TryTransfer(at, buffer, length, isWrite: false);
        function.CompleteDmaRead(ticket, new ReadOnlySpan<byte>(buffer, succeeded ? length : 0), now);
        return true;
    }

    public bool TryWrite(ulong at, ReadOnlySpan<byte> data, long now)
    {
        fixed (byte* source = data)
        {
            return TryTransfer(at, source, data.Length, isWrite: true);
        }
    }

    private bool TryTransfer(ulong at, byte* data, int length, bool isWrite)
    {
        long offset = (long)(at - address + fileOffset);
        for (int done = 0; done < length;)
        {
            nint moved = isWrite
                ? LibC.WriteAt(_descriptor, data + done, (nuint)(length - done), offset + done)
                : LibC.ReadAt(_descriptor, data + done, (nuint)(length - done), offset + done);
            if (moved <= 0 && !(moved < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted))
            {
                return false;
            }

            done += Math.Max(0, (int)moved);
        }

        return true;
    }
}
