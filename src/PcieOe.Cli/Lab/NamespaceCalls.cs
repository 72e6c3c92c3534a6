using System.Runtime.InteropServices;

namespace PcieOe.Cli.Lab;

/// <summary>System calls of namespaces and processes (man 2 for each): -1 on failure, the reason in <see cref="Marshal.GetLastPInvokeError"/>.</summary>
internal static unsafe partial class NamespaceCalls
{
    internal const int NewNetwork = 0x40000000;
    internal const int ReadOnlyCloseOnExec = 0x80000;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "unshare", SetLastError = true)]
    internal static partial int Unshare(int flags);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "execvp", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Execute(string file, string?[] arguments);

    [LibraryImport(Library, EntryPoint = "sched_setaffinity", SetLastError = true)]
    internal static partial int SetAffinity(int threadId, nuint maskBytes, void* mask);

    /// <summary>The index of an interface in the calling thread's network namespace; 0 if there is none of this name.</summary>
    [LibraryImport(Library, EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial uint InterfaceIndex(string name);
}
