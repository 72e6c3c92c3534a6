using System.Runtime.InteropServices;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Rings;

/// <summary>What the socket's thread asks of the worker; requests are carried out in order.</summary>
internal enum FunctionRequestKind
{
    /// <summary>Answered as soon as the function has been enumerated.</summary>
    Describe,
    Attach,
    Detach,
    ReadRegion,

    /// <summary>Data: the bytes to write.</summary>
    WriteRegion,
    Map,
    Unmap,
    UnmapAll,

    /// <summary>Data: an eventfd for each vector from <see cref="FunctionRequest.Offset"/> on, whose owner the worker becomes; -1 for none.</summary>
    SetEventDescriptors,

    /// <summary>Data: a byte for each vector; those not zero are acted on.</summary>
    TriggerInterrupts,
    MaskInterrupts,
    UnmaskInterrupts,
    Reset,

    /// <summary>The client's answer to a DMA read: <see cref="FunctionRequest.Offset"/> is its ticket; data, or none if it failed. Not answered.</summary>
    DmaReadData,
}

/// <summary>The head of a request record; data may follow.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FunctionRequest
{
    public const int Bytes = 56;
    public const long NoAnswer = -1;

    public FunctionRequestKind Kind;

    /// <summary>A region or a kind of interrupt.</summary>
    public int Index;

    /// <summary>Given back in the answer; <see cref="NoAnswer"/> if there is to be none.</summary>
    public long Context;

    /// <summary>In a region, of a vector, or a bus address.</summary>
    public ulong Offset;
    public ulong Length;

    /// <summary>For a mapping: where it lies, or 0 if it is reached through <see cref="Client"/>.</summary>
    public nint Memory;

    /// <summary>For a mapping: a GCHandle of an IDmaMemory that outlives it.</summary>
    public nint Client;
    public DmaAccess Access;
}

/// <summary>The head of an answer record; what a region read gave follows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FunctionAnswer
{
    public const int Bytes = 40;

    public FunctionRequestKind Kind;
    public int Error;
    public long Context;
    public ulong Offset;
    public ulong Length;
    public int Index;
}

/// <summary>The head of a record that asks the client for its memory; what is to be written follows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ClientMemoryRequest
{
    public const int Bytes = 32;

    public ulong Address;
    public ulong Length;

    /// <summary>Of a read; <see cref="IsWrite"/> tells.</summary>
    public ulong Ticket;
    public long IsWrite;
}
