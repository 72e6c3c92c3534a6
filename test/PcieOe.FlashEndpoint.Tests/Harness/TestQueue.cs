namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>A queue pair as a driver keeps it.</summary>
internal sealed class TestQueue
{
    public required int Id { get; init; }

    public required int Entries { get; init; }

    /// <summary>A host address, or one in the controller memory buffer's window.</summary>
    public required ulong SubmissionAddress { get; init; }

    public required ulong CompletionAddress { get; init; }

    public bool IsInMemoryBuffer { get; init; }

    public int Tail { get; set; }

    public int Head { get; set; }

    public bool Phase { get; set; } = true;
}
