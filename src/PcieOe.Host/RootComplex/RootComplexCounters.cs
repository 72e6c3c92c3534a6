namespace PcieOe.Host.RootComplex;

/// <summary>What one root complex has seen. One writer, the worker; readers may see values of different instants.</summary>
internal sealed class RootComplexCounters
{
    public long ConfigRequests;
    public long RegionReads;
    public long RegionReadsSubstituted;
    public long RegionReadsFailed;
    public long RegionWrites;
    public long RegionWritesDropped;

    public long DmaReads;
    public long DmaReadBytes;
    public long DmaReadsRefused;
    public long DmaReadsAborted;
    public long DmaReadsDropped;
    public long DmaWrites;
    public long DmaWriteBytes;
    public long DmaWritesRefused;
    public long DmaWritesDropped;

    public long Interrupts;
    public long InterruptsUnknown;
    public long Messages;
    public long UnsupportedRequests;

    /// <summary>Completions that nobody asked for, or of requests given up earlier.</summary>
    public long CompletionsUnexpected;
    public long CompletionsLate;

    /// <summary>Completions that contradict their request.</summary>
    public long CompletionsMalformed;
    public long CompletionTimeouts;

    public long TlpsMalformed;
    public long TlpsPoisoned;

    public long Enumerations;
    public long EnumerationRetries;
    public long Replacements;
    public long Resets;
}
