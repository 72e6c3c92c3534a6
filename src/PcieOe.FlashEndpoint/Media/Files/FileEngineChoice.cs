namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>Chooses who reads and writes a medium's file: io_uring where the kernel lets this process have it, else threads.</summary>
internal static class FileEngineChoice
{
    /// <param name="description">The choice, for the log: "io_uring", or "threads" and why.</param>
    /// <exception cref="MediaException">io_uring was asked for and cannot be had; the message says why, and what to do.</exception>
    internal static IFileEngine Create(FileMediumOptions options, int descriptor, out string description)
    {
        string reason = "as configured";
        if (options.Engine != FileEngineKind.Threads)
        {
            IoUringFileEngine? engine = IoUringFileEngine.TryCreate(descriptor, options.MaximumOutstanding, out reason);
            if (engine is not null)
            {
                description = "io_uring";
                return engine;
            }

            if (options.Engine == FileEngineKind.IoUring)
            {
                throw new MediaException($"io_uring cannot be used ({reason}): allow it (sysctl kernel.io_uring_disabled, the container's seccomp profile), or let threads do the work.");
            }
        }

        description = $"threads ({reason})";
        return new ThreadFileEngine(descriptor, options.MaximumOutstanding, options.Threads);
    }
}
