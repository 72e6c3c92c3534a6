using PcieOe.FlashEndpoint.Interop;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>Opens, makes, checks and locks the file of a medium. What goes wrong is a <see cref="MediaException"/> that says what to do.</summary>
internal sealed class MediaFile : IDisposable
{
    /// <summary>Beside the file while it is made: what is found under the final name is always whole.</summary>
    private const string UnfinishedSuffix = ".unfinished";

    private const uint OwnerReadWrite = 0x180;

    private MediaFile(int descriptor, long sizeBytes)
    {
        Descriptor = descriptor;
        SizeBytes = sizeBytes;
    }

    /// <summary>The only one that writes go through: errors of writing back are told to it, once.</summary>
    public int Descriptor { get; private set; }

    public long SizeBytes { get; }

    public static MediaFile Open(FileMediumOptions options)
    {
        // A limit on file sizes is to be an error of the write that hits it, not the end of the process.
        _ = Libc.Signal(Libc.SignalFileSize, Libc.IgnoreSignal);
        string path = options.Path;
        int descriptor = Libc.Open(path, Libc.OpenReadWrite | Libc.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            int error = Libc.LastError;
            if (error != Errno.NoEntry)
            {
                throw new MediaException(WhyNotOpened(path, error));
            }

            RequireDirectory(path);
            if (!options.CreateIfMissing)
            {
                throw new MediaException($"The file '{path}' does not exist: correct the path, or let it be created.");
            }

            descriptor = Create(options);
        }

        try
        {
            Lock(descriptor, path, options);
            return new MediaFile(descriptor, CheckedSize(descriptor, options));
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }
    }

    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            _ = Libc.Close(Descriptor);
            Descriptor = -1;
        }
    }

    /// <summary>Makes the file under another name, and gives it its own once it is whole and on the disk.</summary>
    private static int Create(FileMediumOptions options)
    {
        string unfinished = options.Path + UnfinishedSuffix;
        int descriptor = Libc.Open(unfinished, Libc.OpenReadWrite | Libc.OpenCreate | Libc.OpenCloseOnExec, OwnerReadWrite);
        if (descriptor < 0)
        {
            throw new MediaException(WhyNotOpened(unfinished, Libc.LastError));
        }

        try
        {
            Lock(descriptor, unfinished, options);
            Require(Libc.Truncate(descriptor, 0) == 0 && Libc.Truncate(descriptor, options.SizeBytes) == 0, "sized", "choose a smaller size, or another file system");
            if (options.Preallocate)
            {
                Require(Libc.Allocate(descriptor, 0, 0, options.SizeBytes) == 0, "preallocated", "free space, choose a smaller size, or leave it sparse");
            }

            Require(Libc.Synchronize(descriptor) == 0, "written to the disk", "look at the kernel's log for errors of the disk");

            // A link, unlike a rename, fails where another process was faster.
            Require(Libc.Link(unfinished, options.Path) == 0, "given its name", "see whether another process made it, and try again");
            File.Delete(unfinished);
            SynchronizeDirectory(options.Path);
            return descriptor;
        }
        catch
        {
            _ = Libc.Close(descriptor);
            throw;
        }

        void Require(bool isDone, string what, string advice)
        {
            if (isDone)
            {
                return;
            }

            int error = Libc.LastError;
            File.Delete(unfinished);
            throw new MediaException($"The file '{options.Path}' of {options.SizeBytes} bytes could not be {what} ({Errno.Describe(error)}): {advice}.");
        }
    }

    private static void SynchronizeDirectory(string path)
    {
        string directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) ?? "/";
        int descriptor = Libc.Open(directory, Libc.OpenCloseOnExec, 0);
        bool isDone = descriptor >= 0 && Libc.Synchronize(descriptor) == 0;
        int error = Libc.LastError;
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor);
        }

        if (!isDone)
        {
            throw new MediaException($"The directory '{directory}' could not be written to the disk ({Errno.Describe(error)}): look at the kernel's log for errors of the disk.");
        }
    }

    private static void Lock(int descriptor, string path, FileMediumOptions options)
    {
        long giveUpAt = Environment.TickCount64 + options.LockTimeoutMilliseconds;
        int error;
        while (true)
        {
            if (Libc.Lock(descriptor, Libc.LockExclusive | Libc.LockNonBlocking) == 0)
            {
                return;
            }

            error = Libc.LastError;
            if (error is not (Errno.TryAgain or Errno.Interrupted) || Environment.TickCount64 >= giveUpAt)
            {
                break;
            }

            Thread.Sleep(10);
        }

        throw new MediaException(error == Errno.TryAgain
            ? $"The file '{path}' is in use by another process: stop that one, or name another file ('lsof' tells which it is)."
            : $"The file '{path}' cannot be locked ({Errno.Describe(error)}): use a file system that has locks.");
    }

    private static long CheckedSize(int descriptor, FileMediumOptions options)
    {
        long size = Libc.Seek(descriptor, 0, Libc.SeekEnd);
        if (size < 0)
        {
            throw new MediaException($"'{options.Path}' is not a file of fixed size ({Errno.Describe(Libc.LastError)}): name a regular file or a block device.");
        }

        if (options.SizeBytes != 0 && size != options.SizeBytes)
        {
            throw new MediaException($"The file '{options.Path}' has {size} bytes where {options.SizeBytes} are configured: correct the size, or resize the file ('truncate -s {options.SizeBytes}'; making it smaller loses data).");
        }

        return size > 0 && size % FileMedium.AlignmentBytes == 0
            ? size
            : throw new MediaException($"The file '{options.Path}' has {size} bytes: must be a multiple of {FileMedium.AlignmentBytes}, and not empty ('truncate -s' resizes it).");
    }

    private static void RequireDirectory(string path)
    {
        string? directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
        if (directory is not null && !Directory.Exists(directory))
        {
            throw new MediaException($"The directory '{directory}' does not exist: make it, or correct the path.");
        }
    }

    private static string WhyNotOpened(string path, int error) => error switch
    {
        Errno.AccessDenied or Errno.NotPermitted => $"The file '{path}' may not be opened for reading and writing ({Errno.Describe(error)}): give this process's user access to it and to its directories.",
        Errno.ReadOnlyFileSystem => $"The file '{path}' lies on a read-only file system: mount that for writing, or name another file.",
        Errno.IsDirectory => $"'{path}' is a directory: name a file in it.",
        Errno.NotDirectory => $"A part of the path '{path}' is a file, not a directory: correct the path.",
        Errno.Busy => $"The block device '{path}' is in use ({Errno.Describe(error)}): unmount it, or name another.",
        _ => $"The file '{path}' cannot be opened ({Errno.Describe(error)}).",
    };
}
