using System.Runtime.InteropServices;
using PcieOe.Host.Interop;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;

/// <summary>Files and eventfds of a pretended client.</summary>
internal static unsafe partial class Descriptors
{
    public const int SealShrink = 2;

    /// <summary>A memfd with a pattern in it.</summary>
    public static int Memory(int bytes, int seals = 0)
    {
        int descriptor = LibC.MemoryDescriptor("test", 1 | 2);
        Assert.True(descriptor >= 0);
        byte[] content = new byte[bytes];
        for (int i = 0; i < bytes; i++)
        {
            content[i] = (byte)(i * 13 + (i >> 8));
        }

        fixed (byte* data = content)
        {
            Assert.Equal(bytes, LibC.WriteAt(descriptor, data, (nuint)bytes, 0));
        }

        if (seals != 0)
        {
            Assert.True(LibC.FileControl(descriptor, 1033, seals) >= 0);
        }

        return descriptor;
    }

    public static byte[] Read(int descriptor, long offset, int length)
    {
        byte[] content = new byte[length];
        fixed (byte* data = content)
        {
            Assert.Equal(length, LibC.ReadAt(descriptor, data, (nuint)length, offset));
        }

        return content;
    }

    public static int Event(ulong value = 0, bool isBlocking = false)
    {
        int descriptor = CreateEvent(0, isBlocking ? 0 : 0x800);
        Assert.True(descriptor >= 0);
        if (value != 0)
        {
            Assert.Equal(8, LibC.Write(descriptor, &value, 8));
        }

        return descriptor;
    }

    /// <summary>How often it was signalled since the last look.</summary>
    public static ulong Signals(int descriptor)
    {
        ulong count = 0;
        return LibC.Read(descriptor, &count, 8) == 8 ? count : 0;
    }

    public static void Close(params int[] descriptors)
    {
        foreach (int descriptor in descriptors)
        {
            _ = LibC.Close(descriptor);
        }
    }

    public static int OpenCount => Directory.GetFiles("/proc/self/fd").Length;

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int CreateEvent(uint initialValue, int flags);
}
